import pytest
import torch

from tests.gradients.plain import ITEMS, MODELS, PAD, batch_of, conversation, plain_value
from whence.gradients.measurement import (
    answer_logits,
    collate,
    log_probabilities,
    output_embedding,
    token_log_probabilities,
)
from whence.types import Tokens


@pytest.mark.parametrize("name", MODELS)
@torch.no_grad()
def test_log_probabilities_are_those_of_the_whole_logits_however_padded(name: str):
    model = MODELS[name]()
    expected = torch.stack([plain_value(model, item) for item in ITEMS])
    for side in ("left", "right"):
        torch.testing.assert_close(log_probabilities(model, batch_of(ITEMS, side)), expected, rtol=1e-4, atol=1e-4)
    alone = torch.cat([log_probabilities(model, batch_of([item])) for item in ITEMS])
    torch.testing.assert_close(alone, expected, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_values_follow_the_order_of_the_batch():
    model = MODELS["llama"]()
    values, reverse = (log_probabilities(model, batch_of(items)) for items in (ITEMS, ITEMS[::-1]))
    torch.testing.assert_close(reverse, values.flip(0), rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_token_values_come_row_after_row_and_add_up():
    model, batch = MODELS["gpt2"](), batch_of(ITEMS)
    tokens = token_log_probabilities(model, batch)
    counts = [item.answer_length for item in ITEMS]
    assert tokens.shape == (sum(counts),)
    assert batch.owner.bincount().tolist() == counts
    sums = torch.stack([part.sum() for part in tokens.split(counts)])
    torch.testing.assert_close(log_probabilities(model, batch), sums)


@torch.no_grad()
def test_logits_are_float32_and_only_where_they_are_needed():
    model, batch = MODELS["llama"]().bfloat16(), batch_of(ITEMS)
    seen = []
    handle = model.lm_head.register_forward_hook(lambda _, inputs, output: seen.append(output.shape))
    logits = answer_logits(model, batch)
    handle.remove()
    assert logits.dtype == torch.float32
    assert seen == [logits.shape] == [(len(batch.targets), 259)]


def test_the_model_sees_everything_again_afterwards_even_after_an_error():
    model = MODELS["llama"]()
    item = conversation(0, 5, range(2, 5))
    with pytest.raises(IndexError):
        log_probabilities(model, batch_of([Tokens((5, 999), (-100, 999))]))
    assert not model.lm_head._forward_pre_hooks
    assert model(torch.tensor([item.input_ids])).logits.shape == (1, 5, 259)


@torch.no_grad()
def test_a_row_without_an_answer_has_probability_one():
    batch = batch_of([conversation(0, 4), ITEMS[0]])
    assert log_probabilities(MODELS["llama"](), batch)[0] == 0


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_batch_holds_every_token_and_counts_what_precedes_the_answer(side):
    batch = collate(ITEMS, PAD, side, torch.device("cpu"))
    assert batch.rows == len(ITEMS)
    for row, item in enumerate(ITEMS):
        real = batch.attention_mask[row].bool()
        assert batch.input_ids[row][real].tolist() == list(item.input_ids)
        assert batch.position_ids[row][real].tolist() == list(range(len(item.input_ids)))
        assert (batch.input_ids[row][~real] == PAD).all()
        counted = [t for t in range(len(item.labels) - 1) if item.labels[t + 1] != -100]
        assert batch.counted[row][real].nonzero().flatten().tolist() == counted
        assert not batch.counted[row][~real].any()
        assert batch.targets[batch.owner == row].tolist() == [item.labels[t + 1] for t in counted]


@pytest.mark.parametrize("name", MODELS)
def test_the_output_embedding_is_found_under_an_adapter_too(name: str):
    assert output_embedding(MODELS[name]()).weight.shape == (259, 32)
