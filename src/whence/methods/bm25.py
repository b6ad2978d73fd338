"""BM25 over the pairs' text: the baseline that any method has to beat. It ignores what the model learned.

    score(q, z) = sum over terms t of q of idf(t) tf(t, z) (k1 + 1) / (tf(t, z) + k1 (1 - b + b |z| / mean |z|))

(Robertson & Zaragoza 2009, eq. 3.15), idf(t) = ln(1 + (N - df + 0.5) / (df + 0.5)); the text of a pair is its question
and its answer.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import bm25s
import numpy as np
from jaxtyping import Float
from numpy import ndarray

from whence.gradients.subject import Subject
from whence.methods.base import Needs, Unit
from whence.methods.texts import pair_text, query_text
from whence.types import Progress, Query, Report


@dataclass(frozen=True)
class Bm25:
    """Word overlap weighted by rarity. `k1`: saturation of repeated words; `b`: normalisation by length."""

    name: ClassVar[str] = "bm25"
    unit: ClassVar[Unit] = "similarity"
    needs: ClassVar[Needs] = Needs("none")

    k1: float = 1.5
    b: float = 0.75

    def build(self, subject: Subject, folder: Path, report: Report) -> Mapping[str, Any]:
        """Write the inverted index of the pairs' words."""
        count = len(subject.examples)
        corpus = [words(pair_text(subject, i)) for i in range(count)]
        # bm25s numbers the words in the order of a set, which differs from process to process.
        vocabulary = {word: i for i, word in enumerate(sorted({word for pair in corpus for word in pair}))}
        numbered = [[vocabulary[word] for word in pair] for pair in corpus]
        index = bm25s.BM25(k1=self.k1, b=self.b, method="lucene", backend="numpy")
        with np.errstate(invalid="ignore"):  # if no pair has a word, their mean length is 0
            index.index((numbered, vocabulary), create_empty_token=False, show_progress=False)
        index.save(str(folder / "bm25"), show_progress=False)
        report(Progress("words", count, count, "examples"))
        return {"rows": count, "words": len(vocabulary)}

    def score(self, subject: Subject, folder: Path, queries: Sequence[Query]) -> Float[ndarray, "query train"]:
        """BM25 of every query's question and answer against every pair."""
        index = bm25s.BM25.load(str(folder / "bm25"), load_corpus=False, show_progress=False)
        scores = np.zeros((len(queries), len(subject.examples)), np.float32)
        for row, query in enumerate(queries):
            terms = [word for word in words(query_text(subject, query)) if word in index.vocab_dict]
            if terms:
                scores[row] = index.get_scores(terms)
        return scores * np.float32(self.k1 + 1)

    def notes(self, subject: Subject) -> tuple[str, ...]:
        """The limit of text search."""
        return ("Text overlap only: it does not know whether the model learned anything from a pair.",)


def words(text: str) -> list[str]:
    """Lower-case words and numbers."""
    return re.findall(r"\w+", text.lower())
