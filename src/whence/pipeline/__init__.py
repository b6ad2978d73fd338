"""The stages in order: pairs -> run -> index -> scores -> levels -> attribution. Every door calls these."""

from whence.pipeline.answers import (
    attribute,
    attribute_all,
    attribute_contrast,
    own_answer,
    score,
    token_influence,
)
from whence.pipeline.index import Index, build_index, index_folder
from whence.pipeline.proofs import audit, evaluate_recall, inquire
from whence.pipeline.runs import finetune, import_run

__all__ = [
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
