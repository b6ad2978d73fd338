import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tests.tiny import tiny_llama, tiny_tokenizer
from whence.context.ablate import ablated
from whence.context.attribute import attribute_by, attribute_context
from whence.context.score import Scores, score_contexts
from whence.context.split import Piece, sentences
from whence.errors import DataError

CONTEXT = "The lamp is red. It costs 9 euros.\n\nShops open at ten."
QUERY, RESPONSE = "What colour is it?", "It is red. Shops open at ten."
LONG = " ".join(f"Fact number {i} is here." for i in range(12))
TRUTH = {"number 3 ": 4.0, "number 7 ": 2.0, "number 10 ": -3.0}


def planted(contexts: Sequence[str], targets: Sequence[Piece]) -> Scores:
    """A response whose log-odds are a sum over the sentences that are there; the first target's are reversed."""
    sums = np.array([sum(w for name, w in TRUTH.items() if name in context) - 5 for context in contexts])
    signs = np.array([-1.0] + [1.0] * (len(targets) - 1))
    return Scores(-np.logaddexp(0, -sums[:, None] * signs), np.full(len(targets), 4.0))


def attribution_of(sources: Any) -> dict[int, float]:
    return {source.id: source.attribution for source in sources}


@pytest.mark.parametrize("highlight", [None, "at ten"])
def test_every_ablation_of_three_sources_gives_the_effect_of_each_less_the_penalty(highlight: str | None):
    model, tokenizer = tiny_llama(), tiny_tokenizer()
    found = attribute_context(model, tokenizer, CONTEXT, QUERY, RESPONSE, highlight=highlight)
    pieces = sentences(CONTEXT)
    whole = Piece(RESPONSE, 0) if highlight is None else Piece(highlight, RESPONSE.index(highlight))
    targets = [*sentences(RESPONSE), whole]
    masks = [[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)]
    texts = [ablated(CONTEXT, pieces, np.array(mask, dtype=bool)) for mask in masks]
    log_p = score_contexts(model, tokenizer, texts, QUERY, RESPONSE, targets).log_p
    odds = log_p - np.log1p(-np.exp(log_p))
    design = np.column_stack([masks, np.ones(8)])
    squares = np.linalg.lstsq(design, odds)[0][:3]
    for sources, effects, target in zip(
        [*(s.sources for s in found.segments), found.sources], squares.T, targets, strict=True
    ):
        shrunk = np.sign(effects) * np.maximum(np.abs(effects) - 0.02 * len(target.text), 0)
        assert len(sources) == 3
        assert [attribution_of(sources)[i] for i in range(3)] == pytest.approx(shrunk.tolist(), abs=1e-3)
        assert np.abs(effects).max() > 0.02 * len(target.text)  # something is left of it


def test_a_planted_linear_response_gives_its_weights_back():
    found = attribute_by(planted, LONG, RESPONSE, top_k=12, ablations=256)
    for sources, sign in ((found.segments[0].sources, -1), (found.segments[1].sources, 1), (found.sources, 1)):
        weights = attribution_of(sources)
        assert [i for i in range(12) if abs(weights[i]) > 1e-6] == [3, 7, 10]
        assert [weights[i] * sign for i in (3, 7, 10)] == pytest.approx([4, 2, -3], abs=0.15)
    assert [s.id for s in found.sources][:2] == [3, 7]
    assert found.sources[-1].id == 10


def test_the_strongest_come_first_with_their_texts_and_places():
    found = attribute_by(planted, LONG, RESPONSE, top_k=2)
    assert [s.id for s in found.sources] == [3, 7]
    assert [s.id for s in found.segments[0].sources] == [10, 0]  # of those that add nothing the first
    for source in found.sources:
        assert LONG[source.offset :].startswith(source.text)
        assert source.text == f"Fact number {source.id} is here."
    assert [(s.index, s.text, s.offset) for s in found.segments] == [
        (0, "It is red.", 0),
        (1, "Shops open at ten.", 11),
    ]


def test_the_seed_reproduces_an_attribution_and_another_draws_others():
    model, tokenizer = tiny_llama(max_position_embeddings=1024), tiny_tokenizer()
    first, again, other = (
        attribute_context(model, tokenizer, LONG, QUERY, RESPONSE, ablations=32, seed=seed) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_the_batch_size_changes_no_attribution():
    model, tokenizer = tiny_llama(max_position_embeddings=1024), tiny_tokenizer()
    one, many = (
        attribute_context(model, tokenizer, LONG, QUERY, RESPONSE, ablations=32, top_k=12, batch_rows=rows)
        for rows in (1, 16)
    )
    pairs = zip([*one.segments, one], [*many.segments, many], strict=True)
    for a, b in pairs:
        assert attribution_of(a.sources) == pytest.approx(attribution_of(b.sources), abs=5e-3)


def test_a_context_of_one_source_is_there_or_not():
    found = attribute_context(tiny_llama(), tiny_tokenizer(), "Red it is.", QUERY, RESPONSE)
    whole = Piece(RESPONSE, 0)
    log_p = score_contexts(tiny_llama(), tiny_tokenizer(), ["", "Red it is."], QUERY, RESPONSE, [whole]).log_p[:, 0]
    effect = log_p[1] - log_p[0]  # so unlikely a response has log p for its log-odds
    assert log_p.max() < -30
    shrunk = np.sign(effect) * max(abs(effect) - 0.02 * len(RESPONSE), 0)
    assert found.sources[0].attribution == pytest.approx(shrunk, abs=1e-3)


def test_each_distinct_context_is_scored_once():
    seen: list[str] = []

    def counting(contexts: Sequence[str], targets: Sequence[Piece]) -> Scores:
        seen.extend(contexts)
        return planted(contexts, targets)

    attribute_by(counting, "A a. A a. A a. B b. C c. D d. E e.", RESPONSE, ablations=64)
    assert len(seen) == len(set(seen)) < 64


def test_paragraphs_are_sources_and_sentences_stay_segments():
    found = attribute_context(tiny_llama(), tiny_tokenizer(), CONTEXT, QUERY, RESPONSE, granularity="paragraph")
    assert sorted((s.id, s.text, s.offset) for s in found.sources) == [
        (0, "The lamp is red. It costs 9 euros.", 0),
        (1, "Shops open at ten.", 36),
    ]
    assert len(found.segments) == 2


def test_the_json_has_the_keys_of_the_contract():
    found = attribute_context(tiny_llama(), tiny_tokenizer(), CONTEXT, QUERY, RESPONSE, highlight="red", top_k=1)
    wire = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert list(wire) == ["response_text", "segments", "highlight", "sources"]
    assert wire["response_text"] == RESPONSE
    assert wire["highlight"] == "red"
    for i, segment in enumerate(wire["segments"]):
        assert list(segment) == ["segment_index", "segment_text", "char_offset", "sources"]
        assert segment["segment_index"] == i
    for source in [*wire["sources"], *wire["segments"][0]["sources"]]:
        assert list(source) == ["source_type", "id", "text", "attribution", "offset"]
        assert source["source_type"] == "raw"
        assert isinstance(source["id"], int)
        assert isinstance(source["attribution"], float)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"context": " \n"}, "A context must not be empty"),
        ({"query": ""}, "A query must not be empty"),
        ({"response": "\t"}, "A response must not be empty"),
        ({"highlight": " "}, "A highlight must not be empty"),
        ({"highlight": "blue"}, r"A highlight must be a part of the response \(found 'blue'\)"),
        ({"top_k": 0}, r"top_k must be at least 1 \(found 0\)"),
        ({"ablations": 31}, "ablations must be from 32 to 256"),
        ({"ablations": 257}, "ablations must be from 32 to 256"),
        ({"batch_rows": 0}, "batch_rows must be at least 1"),
        ({"granularity": "word"}, "sentence or paragraph"),
        ({"context": "A b. " * 513}, r"at most 512 sentences \(found 513\). Use paragraphs"),
        ({"context": "Ab\n" * 513, "granularity": "paragraph"}, "Shorten the context"),
        ({"context": "word " * 500}, "must fit into the 512 tokens"),
    ],
)
def test_what_cannot_be_attributed_is_refused(changes: dict[str, Any], message: str):
    arguments: dict[str, Any] = {"context": CONTEXT, "query": QUERY, "response": RESPONSE, **changes}
    with pytest.raises(DataError, match=message):
        attribute_context(tiny_llama(), tiny_tokenizer(), **arguments)


def test_a_highlight_is_found_where_it_occurs_first_without_the_blanks_around_it():
    targets: list[Piece] = []

    def looking(contexts: Sequence[str], asked: Sequence[Piece]) -> Scores:
        targets.extend(asked)
        return planted(contexts, asked)

    attribute_by(looking, CONTEXT, "Ten or ten. Or ten.", highlight=" or ten.")
    assert targets[-1] == Piece("or ten.", 4)
