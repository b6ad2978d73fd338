"""Texts by topic: TF-IDF vectors, clustered by average linkage, named by their most distinctive words.

    tf-idf(word, text) = (1 + ln tf) (1 + ln((1 + n) / (1 + df))), each text at length 1     (Salton & Buckley 1988)

The distance of two clusters is the mean distance of their texts, 1 - cosine (Sokal & Michener 1958). Of many texts an
evenly spaced sample is clustered; the others join the topic whose mean is nearest. Topics depend on the texts alone,
never on a score: otherwise a topic's scores for unrelated answers would not be its null.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy import sparse
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

SAMPLE = 2000
"""Texts that are clustered at most: all are compared pairwise."""
WORDS = 4000
"""Size of the vocabulary at most, words of the most texts first."""
COMMON = 0.2
"""Share of the texts above which a word does not count."""
FEW = 5
"""Number of texts that may always share a word, however few texts there are."""
NAMING = 3
"""Words in the name of a topic."""


@dataclass(frozen=True)
class Topics:
    """The topic of each text, by number from 0, and the name of each topic."""

    labels: Int[ndarray, " text"]
    names: tuple[str, ...]


def topics_of(texts: Sequence[str]) -> Topics:
    """The topics of one or more texts: about the square root of their number."""
    vectors, words = tf_idf(texts)
    chosen = np.unique(np.linspace(0, len(texts) - 1, min(len(texts), SAMPLE)).round().astype(int))
    labels = _clustered(vectors[chosen].toarray())
    means = np.stack([vectors[chosen[labels == topic]].toarray().mean(axis=0) for topic in range(labels.max() + 1)])
    nearest = np.asarray(vectors @ means.T).argmax(axis=1)
    nearest[chosen] = labels
    return Topics(nearest, tuple(_name(mean, words) for mean in means))


def tf_idf(texts: Sequence[str]) -> tuple[Any, list[str]]:
    """A sparse row of length 1 for each text (zeros if no word counts), and the words of the columns."""
    counts = [Counter(re.findall(r"[^\W\d_]{2,}", text.casefold())) for text in texts]
    spread = Counter(word for count in counts for word in count)
    most = max(COMMON * len(texts), FEW)
    telling = sorted((word for word, df in spread.items() if 2 <= df <= most), key=lambda word: (-spread[word], word))
    place = {word: column for column, word in enumerate(telling[:WORDS])}
    found: Any = sparse.lil_matrix((len(texts), max(len(place), 1)), dtype=np.float64)
    for row, count in enumerate(counts):
        for word in count.keys() & place.keys():
            found[row, place[word]] = (1 + np.log(count[word])) * (1 + np.log((1 + len(texts)) / (1 + spread[word])))
    rows = found.tocsr()
    length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    return sparse.diags(1 / np.where(length > 0, length, 1.0)) @ rows, list(place) or [""]


def _clustered(vectors: Float[ndarray, "text word"]) -> Int[ndarray, " text"]:
    if len(vectors) < 2:
        return np.zeros(len(vectors), dtype=int)
    apart = np.clip(1 - vectors @ vectors.T, 0, None)
    np.fill_diagonal(apart, 0)
    tree = linkage(squareform(apart, checks=False), "average")
    return np.unique(fcluster(tree, round(len(vectors) ** 0.5), "maxclust"), return_inverse=True)[1]


def _name(mean: Float[ndarray, " word"], words: Sequence[str]) -> str:
    best = np.argsort(-mean, kind="stable")[:NAMING]
    telling: list[str] = [words[int(word)] for word in best if mean[word] > 0]
    return ", ".join(telling) or "other"
