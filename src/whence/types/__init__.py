"""The nouns that every room shares. Plain frozen dataclasses: no arrays, no files, no torch."""

from whence.types.attribution import Attribution, Shown, show_by
from whence.types.influence import Distribution, Group, GroupKind, Influence, Member, TokenInfluence, TokenScore
from whence.types.pairs import NO_LOSS, Example, Message, Query, Role, Tokens, exchange
from whence.types.progress import Progress, Report, silent
from whence.types.trust import Faithfulness, Level, Lift, TrajectoryKind, Trust

__all__ = [
    "Attribution",
    "Distribution",
    "Example",
    "Faithfulness",
    "Group",
    "GroupKind",
    "Influence",
    "Level",
    "Lift",
    "Member",
    "Message",
    "NO_LOSS",
    "Progress",
    "Query",
    "Report",
    "Role",
    "Shown",
    "TokenInfluence",
    "TokenScore",
    "Tokens",
    "TrajectoryKind",
    "Trust",
    "exchange",
    "show_by",
    "silent",
]
