from typing import Any

import numpy as np
import pytest
import torch

from tests.gradients.plain import adapted
from tests.tiny import tiny_gpt2, tiny_llama, tiny_tokenizer
from whence.context.score import rows_of, score_contexts, user_message
from whence.context.split import Piece, sentences
from whence.errors import DataError, ModelError
from whence.types import Query

CONTEXTS = ("The cat sat. It purred.", "It purred.", "", "日本 🙂 is far away.", "The cat sat.")
QUERY, RESPONSE = "What did it do?", " It sat 🙂. Then it purred! \n"
TARGETS = (*sentences(RESPONSE), Piece(RESPONSE.strip(), 1), Piece("sat 🙂", 4))


def written_out(model: Any, chat: bool, context: str, target: Piece) -> float:
    """log p of the target's characters, one byte a token, in a loop over an unpadded prompt."""
    said = user_message(context, QUERY)
    turns = f"<|im_start|>user\n{said}<|im_end|>\n<|im_start|>assistant\n"
    prompt = turns if chat else f"Question: {said}\nAnswer: "
    ids = tiny_tokenizer()(prompt + RESPONSE, add_special_tokens=False)["input_ids"]
    start = len(tiny_tokenizer()(prompt + RESPONSE[: target.offset], add_special_tokens=False)["input_ids"])
    logs = model(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(-1)
    length = len(target.text.encode())
    return sum(float(logs[t - 1, ids[t]]) for t in range(start, start + length))


@pytest.mark.parametrize("chat", [True, False])
@pytest.mark.parametrize("make", [tiny_llama, tiny_gpt2, lambda: adapted(tiny_llama())])
@torch.no_grad()
def test_scores_are_those_of_a_loop_over_tokens(make, chat: bool):
    model = make()
    found = score_contexts(model, tiny_tokenizer(chat), CONTEXTS, QUERY, RESPONSE, TARGETS, batch_rows=2)
    expected = [[written_out(model, chat, context, target) for target in TARGETS] for context in CONTEXTS]
    np.testing.assert_allclose(found.log_p, expected, rtol=1e-4, atol=1e-4)
    assert found.tokens.tolist() == [len(target.text.encode()) for target in TARGETS]


def test_the_batch_size_changes_nothing():
    model, tokenizer = tiny_llama(), tiny_tokenizer()
    one, all_at_once = (
        score_contexts(model, tokenizer, CONTEXTS, QUERY, RESPONSE, TARGETS, batch_rows=rows).log_p for rows in (1, 9)
    )
    np.testing.assert_allclose(one, all_at_once, rtol=1e-4, atol=1e-4)


def test_the_model_is_left_as_it_was_and_never_drops_out():
    model = tiny_gpt2(resid_pdrop=0.5, embd_pdrop=0.5).train()
    twice = [score_contexts(model, tiny_tokenizer(), CONTEXTS, QUERY, RESPONSE, TARGETS).log_p for _ in range(2)]
    np.testing.assert_array_equal(*twice)
    assert model.training
    assert all(weight.grad is None for weight in model.parameters())


def test_each_batch_is_reported():
    reported = []
    score_contexts(
        tiny_llama(), tiny_tokenizer(), CONTEXTS, QUERY, RESPONSE, TARGETS, batch_rows=2, report=reported.append
    )
    assert [(p.step, p.done, p.total, p.unit) for p in reported] == [
        ("ablations", n, 5, "passes") for n in (0, 2, 4, 5)
    ]


def test_a_token_that_straddles_two_targets_belongs_to_each():
    targets = (Piece("🙂", 0), Piece("b", 1), Piece("🙂b", 0))
    (row,) = rows_of([Query.of("q", "🙂b", ended=False)], tiny_tokenizer(), targets)
    assert row.belongs.T.tolist() == [[True] * 4 + [False], [False] * 4 + [True], [True] * 5]


def test_a_prompt_beyond_what_the_model_reads_is_refused():
    with pytest.raises(DataError, match=r"must fit into the 64 tokens that the model reads \(found 1\d\d\)"):
        score_contexts(tiny_llama(max_position_embeddings=64), tiny_tokenizer(), CONTEXTS, QUERY, RESPONSE, TARGETS)


def test_a_template_that_rewrites_the_response_is_refused():
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = (
        "{% for m in messages %}{{ m['role'] + ':' + m['content'] | upper }}{% endfor %}"
        "{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}"
    )
    with pytest.raises(ModelError, match="keep the response unchanged"):
        score_contexts(tiny_llama(), tokenizer, CONTEXTS, QUERY, RESPONSE, TARGETS)


def test_text_that_is_not_valid_is_refused():
    with pytest.raises(DataError, match="lone surrogate"):
        score_contexts(tiny_llama(), tiny_tokenizer(), ["a \ud800"], QUERY, RESPONSE, TARGETS)
