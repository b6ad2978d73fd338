"""The stages in order: pairs -> run -> index -> scores -> levels -> attribution. Every door calls these."""

from whence.levels.verdict import DISCOVERY_RATE as DISCOVERY_RATE
from whence.pipeline.answers import (
    attribute,
    attribute_all,
    attribute_contrast,
    own_answer,
    score,
    token_influence,
)
from whence.pipeline.index import DEFAULT_METHOD, Index, build_index, index_folder
from whence.pipeline.proofs import audit, evaluate_recall, inquire
from whence.pipeline.runs import DEFAULT_MODEL, finetune, import_run

__all__ = [
    "DEFAULT_METHOD",
    "DEFAULT_MODEL",
    "Index",
    "attribute",
    "attribute_all",
    "attribute_contrast",
    "audit",
    "build_index",
    "evaluate_recall",
    "finetune",
    "import_run",
    "index_folder",
    "inquire",
    "own_answer",
    "score",
    "token_influence",
]
