"""The nouns that every package shares. Plain frozen dataclasses: no arrays, no files, no torch."""

from whence.types.attribution import Attribution, Shown, set_repr
from whence.types.defaults import ANSWER_TOKENS, DEFAULT_METHOD, DEFAULT_MODEL, DISCOVERY_RATE
from whence.types.influence import Distribution, Group, GroupKind, Influence, Member, TokenInfluence, TokenScore, Unit
from whence.types.pairs import NO_LOSS, Example, Message, Query, Role, Tokens, exchange
from whence.types.progress import Progress, Report, silent
from whence.types.request import AttributionRequest, require_text
from whence.types.trust import Faithfulness, Level, Lift, Recall, ReturnedLevel, TrajectoryKind, Trust
from whence.types.wire import Noun, decode, encode

__all__ = [
    "ANSWER_TOKENS",
    "Attribution",
    "AttributionRequest",
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
    "Noun",
    "Progress",
    "Query",
    "Recall",
    "Report",
    "ReturnedLevel",
    "Role",
    "Shown",
    "TokenInfluence",
    "TokenScore",
    "Tokens",
    "TrajectoryKind",
    "Trust",
    "Unit",
    "decode",
    "encode",
    "exchange",
    "require_text",
    "set_repr",
    "silent",
]
