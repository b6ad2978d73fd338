"""Cosine of sentence vectors (MiniLM): the other baseline. Like all text search, it never uses the fine-tuned model.

score(q, z) = cos(v(q), v(z))        v: mean of the last hidden states (Reimers & Gurevych 2019, arXiv:1908.10084)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor
from transformers import AutoModel, AutoTokenizer

from whence.core.similarity import unit_rows
from whence.gradients.subject import Subject
from whence.methods.base import Needs, Unit
from whence.methods.rows import describe, open_rows, search, write_rows
from whence.methods.texts import pair_text, query_text
from whence.models.base import resolve
from whence.models.quiet import quiet
from whence.store.shards import Shards
from whence.types import Query, Report

LONGEST = 256


@dataclass(frozen=True)
class Embedding:
    """Sentence-vector similarity of question and answer. `model`: an encoder's name or folder."""

    name: ClassVar[str] = "embedding"
    unit: ClassVar[Unit] = "similarity"
    needs: ClassVar[Needs] = Needs("none")

    model: str = "all-minilm-l6-v2"

    def build(self, subject: Subject, folder: Path, report: Report) -> Mapping[str, Any]:
        """Write one unit vector per training example."""
        shards = Shards(folder, len(subject.examples), self._width, subject.compute.rows_per_shard)
        write_rows(shards, lambda span: self.vectors([pair_text(subject, i) for i in span]), "vectors", report)
        return describe(shards)

    def score(self, subject: Subject, folder: Path, queries: Sequence[Query]) -> Float[ndarray, "query train"]:
        """Cosine of every query with every pair."""
        return search(open_rows(folder), self.vectors([query_text(subject, query) for query in queries]))

    def notes(self, subject: Subject) -> tuple[str, ...]:
        """The limit of text search."""
        return ("Text similarity only: it does not know whether the model learned anything from a pair.",)

    @property
    def _width(self) -> int:
        return int(encoder(self.model)[1].config.hidden_size)

    def vectors(self, texts: Sequence[str]) -> Tensor:
        """One unit vector per text, float32 [text, width]."""
        parts = [self._encode(texts[start : start + 32]) for start in range(0, len(texts), 32)]
        return torch.cat(parts) if parts else torch.empty(0, self._width)

    @torch.no_grad()
    def _encode(self, texts: Sequence[str]) -> Tensor:
        tokenizer, model = encoder(self.model)
        batch = tokenizer(list(texts), padding=True, truncation=True, max_length=LONGEST, return_tensors="pt")
        hidden = model(**batch).last_hidden_state
        mask = batch["attention_mask"][..., None].float()
        return unit_rows((hidden * mask).sum(1) / mask.sum(1))


@cache
def encoder(name: str) -> tuple[Any, Any]:
    """Tokenizer and model of a sentence encoder, loaded once per process."""
    folder = resolve(name)
    with quiet():
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True, dtype=torch.float32)
    return tokenizer, model.eval()
