"""The nouns that every room shares. Plain frozen dataclasses: no arrays, no files, no torch."""

from whence.types.attribution import Attribution, Shown, show_by
from whence.types.defaults import ANSWER_TOKENS, DEFAULT_METHOD, DEFAULT_MODEL, DISCOVERY_RATE
from whence.types.influence import Distribution, Group, GroupKind, Influence, Member, TokenInfluence, TokenScore, Unit
from whence.types.pairs import NO_LOSS, Example, Message, Query, Role, Tokens, exchange
from whence.types.progress import Progress, Report, silent
from whence.types.trust import Faithfulness, Level, Lift, TrajectoryKind, Trust

__all__ = [
    "ANSWER_TOKENS",
    "Attribution",
    "DEFAULT_METHOD",
    "DEFAULT_MODEL",
    "DISCOVERY_RATE",
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
    "Unit",
    "exchange",
    "show_by",
    "silent",
]
