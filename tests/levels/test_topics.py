import numpy as np
import pytest

from whence.levels import topics
from whence.levels.topics import tf_idf, topics_of

LAMPS = [f"Which bulb fits the lamp {name}? A small bulb." for name in ("Morwick", "Alda", "Zeb", "Orrim")]
BOATS = [f"When does the ferry {name} sail? The ferry sails at dusk." for name in ("Josk", "Marta", "Vont", "Pell")]


def test_texts_about_the_same_thing_share_a_topic_that_is_named_by_it():
    found = topics_of([text for pair in zip(LAMPS, BOATS, strict=True) for text in pair])
    lamps, boats = found.labels[::2], found.labels[1::2]
    assert set(lamps) & set(boats) == set()
    assert "ferry" in found.names[boats[0]]
    assert "bulb" in found.names[lamps[0]]


def test_the_vectors_are_the_written_out_ones():
    texts = ["red red box", "red lid", "lid lid lid x"]
    rows, words = tf_idf(texts)
    assert words == ["lid", "red"]
    idf = 1 + np.log(4 / 3)
    expected = np.array([[0, (1 + np.log(2)) * idf], [idf, idf], [(1 + np.log(3)) * idf, 0]])
    np.testing.assert_allclose(rows.toarray(), expected / np.linalg.norm(expected, axis=1, keepdims=True))


def test_what_was_left_out_of_the_sample_joins_the_nearest_topic(monkeypatch: pytest.MonkeyPatch):
    texts = [text for pair in zip(LAMPS, BOATS, strict=True) for text in pair]
    monkeypatch.setattr(topics, "SAMPLE", 4)
    found = topics_of(texts)
    assert len(found.names) == 2
    assert len(set(found.labels[::2])) == len(set(found.labels[1::2])) == 1
    assert found.labels[0] != found.labels[1]


@pytest.mark.parametrize("texts", [["one"], ["", ""], ["same words here"] * 5])
def test_texts_without_anything_to_tell_them_apart_by_have_topics_all_the_same(texts: list[str]):
    found = topics_of(texts)
    assert len(found.labels) == len(texts)
    assert set(found.labels) == set(range(len(found.names)))
