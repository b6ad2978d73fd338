import copy
from typing import Any, cast

import pytest
import torch

from tests.tiny import tiny_gpt2, tiny_llama, tiny_tokenizer
from whence.errors import ModelError
from whence.models.adapter import put_weights, trainable_weights, with_lora
from whence.models.chat import prompt_text
from whence.models.generate import Generated, generate
from whence.types import Message, Progress

TALKS = [(Message("user", text),) for text in ("Hi", "A longer question about rivers?", "x" * 50, "Why 42?", "é")]


def by_hand(model: Any, tokenizer: Any, talk: tuple[Message, ...], count: int) -> Generated:
    """Greedy decoding without padding, cache or library."""
    ids = tokenizer(prompt_text(tokenizer, talk))["input_ids"]
    new: list[int] = []
    while len(new) < count and (not new or new[-1] != tokenizer.eos_token_id):
        with torch.no_grad():
            new.append(int(model(torch.tensor([ids + new])).logits[0, -1].argmax()))
    text = tokenizer.decode(new, skip_special_tokens=True).strip()
    return Generated(text, new[-1] == tokenizer.eos_token_id)


@pytest.mark.parametrize("build", [tiny_llama, tiny_gpt2])
@pytest.mark.parametrize("chat", [True, False])
def test_batched_answers_are_those_of_plain_greedy_decoding(build: Any, chat: bool):
    model, tokenizer = build(), tiny_tokenizer(chat)
    expected = [by_hand(model, tokenizer, talk, 12) for talk in TALKS]
    assert len(set(expected)) > 1
    for size in (1, 2, 16):
        assert generate(model, tokenizer, TALKS, max_new_tokens=12, batch_size=size) == expected


def test_an_adapter_takes_part_unless_it_is_switched_off():
    tokenizer = tiny_tokenizer()
    plain = generate(tiny_llama(), tokenizer, TALKS, max_new_tokens=8)
    adapted = with_lora(tiny_llama(), 4, 8, "all-linear", seed=0)
    torch.manual_seed(0)
    put_weights(adapted, {name: torch.randn_like(w) for name, w in trainable_weights(adapted).items()})
    assert generate(adapted, tokenizer, TALKS, max_new_tokens=8) != plain
    with adapted.disable_adapter():
        assert generate(adapted, tokenizer, TALKS, max_new_tokens=8) == plain


def test_the_models_own_settings_are_put_aside_and_restored():
    model, tokenizer = tiny_llama(), tiny_tokenizer()
    expected = generate(model, tokenizer, TALKS, max_new_tokens=12)
    own = model.generation_config
    own.update(do_sample=True, temperature=5.0, top_k=3, repetition_penalty=3.0)
    model.train()
    assert generate(model, tokenizer, TALKS, max_new_tokens=12) == expected
    assert model.generation_config is own
    assert model.training


def test_an_answer_ends_at_every_end_token_of_the_model():
    model, tokenizer = tiny_llama(), tiny_tokenizer()
    full = generate(model, tokenizer, TALKS[:1], max_new_tokens=12)[0].text
    letter = next(c for c in full[:-1] if c.isascii() and c.isalpha())
    model.generation_config.eos_token_id = [2, tokenizer(letter)["input_ids"][0]]
    (cut,) = generate(model, tokenizer, TALKS[:1], max_new_tokens=12)
    assert cut == Generated(full[: full.index(letter) + 1], ended=True)


def test_a_model_that_would_rather_be_silent_speaks_where_it_must():
    model, tokenizer = tiny_llama(), tiny_tokenizer()
    blank = cast(list[int], tokenizer(" ")["input_ids"])[0]
    for likely in ([2], [blank, 2]):
        quiet = preferring(model, likely)
        assert generate(quiet, tokenizer, TALKS, max_new_tokens=4) == [Generated("", ended=True)] * len(TALKS)
        spoken = generate(quiet, tokenizer, TALKS, max_new_tokens=4, must_speak=True)
        assert all(len(answer.text) == 1 and answer.ended for answer in spoken)


def preferring(model: Any, likely: list[int]) -> Any:
    """The model with other likeliest tokens: these first of all, the first of them only to begin with."""
    quiet = copy.deepcopy(model)
    first = quiet.forward

    def forward(*args: Any, **kwargs: Any) -> Any:
        out = first(*args, **kwargs)
        out.logits[..., likely[-1]] += 1e4
        if kwargs["input_ids"].shape[1] > 1:
            out.logits[..., likely[0]] += 2e4
        return out

    quiet.forward = forward
    return quiet


def test_nothing_is_printed_and_progress_is_told(capfd: pytest.CaptureFixture[str]):
    seen: list[Progress] = []
    generate(tiny_llama(), tiny_tokenizer(), TALKS, max_new_tokens=2, batch_size=2, report=seen.append)
    assert [(p.done, p.total) for p in seen] == [(0, 5), (2, 5), (4, 5), (5, 5)]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("build", [tiny_llama, tiny_gpt2])
def test_an_answer_stops_where_the_context_is_full(build: Any):
    size = {"max_position_embeddings": 90} if build is tiny_llama else {"n_positions": 90}
    model, tokenizer = build(**size), tiny_tokenizer()
    talks = [(Message("user", "x" * 50),), (Message("user", "Hi"),)]
    room = 90 - len(tokenizer(prompt_text(tokenizer, talks[0]))["input_ids"])
    assert 0 < room < 40
    expected = [by_hand(model, tokenizer, talks[0], room), by_hand(model, tokenizer, talks[1], 40)]
    assert generate(model, tokenizer, talks, max_new_tokens=40) == expected
    with pytest.raises(ModelError, match="leave room for an answer"):
        generate(model, tokenizer, [(Message("user", "x" * 90),)])


def test_no_conversations_give_no_answers_and_limits_below_one_are_refused():
    assert generate(tiny_llama(), tiny_tokenizer(), []) == []
    with pytest.raises(ModelError, match="1 or more"):
        generate(tiny_llama(), tiny_tokenizer(), TALKS, max_new_tokens=0)
