import gc
import weakref
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders
from tokenizers import models as token_models
from transformers import PreTrainedTokenizerFast

from tests.tiny import VOCABULARY, tiny_gpt2, tiny_llama, tiny_tokenizer
from whence.errors import ModelError
from whence.models.adapter import put_weights, trainable_weights, with_lora
from whence.models.chat import prompt_text
from whence.models.generate import generate
from whence.models.stream import Chunk, Sampling, Transcript, prompt_tokens, sample, stream_answer, token_text
from whence.types import Message

HI = (Message("user", "Hi"),)
TALKS = [HI, (Message("user", "A longer question about rivers?"),), (Message("user", "é"),)]
GREEDY = Sampling(max_new_tokens=12, temperature=0)


def spoken(chunks: Iterator[Chunk] | list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


def saying(text: str, tokenizer: Any = None) -> Any:
    """A llama that answers with `text`, in which no token comes twice: each token leads to the one after it."""
    tokenizer = tokenizer or tiny_tokenizer()
    width = len(tokenizer) + len(tokenizer) % 2  # rotary positions want an even width
    model = tiny_llama(
        vocab_size=len(tokenizer),
        hidden_size=width,
        num_attention_heads=1,
        num_key_value_heads=1,
        num_hidden_layers=1,
        tie_word_embeddings=False,
    )
    chain = [*tokenizer("\n" + text)["input_ids"], 2]
    assert len(set(chain)) == len(chain)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" not in name:
                weight.zero_()
        model.model.embed_tokens.weight.copy_(torch.eye(width)[: len(tokenizer)])
        for this, after in pairwise(chain):
            model.lm_head.weight[after, this] = 1
    return model


def adapted(model: Any) -> Any:
    """`model` with an adapter whose weights change what it says."""
    lora = with_lora(model, 4, 8, "all-linear", seed=0)
    random = torch.Generator().manual_seed(0)
    weights = {name: torch.randn(w.shape, generator=random) for name, w in trainable_weights(lora).items()}
    put_weights(lora, weights)
    return lora


@pytest.mark.parametrize("build", [tiny_llama, tiny_gpt2])
@pytest.mark.parametrize("chat", [True, False])
def test_a_greedy_answer_is_that_of_generate(build: Any, chat: bool):
    model, tokenizer = build(), tiny_tokenizer(chat)
    expected = generate(model, tokenizer, TALKS, max_new_tokens=40)
    for conversation, answer in zip(TALKS, expected, strict=True):
        chunks = list(stream_answer(model, tokenizer, conversation, Sampling(40, temperature=0)))
        assert spoken(chunks).strip() == answer.text
        assert chunks[-1].finish == ("stop" if answer.ended else "length")
        assert all(chunk.finish is None for chunk in chunks[:-1])
    assert len({answer.text for answer in expected}) > 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_an_adapter_takes_part_unless_it_is_switched_off(dtype: torch.dtype):
    tokenizer, model = tiny_tokenizer(), adapted(tiny_llama().to(dtype))
    said = spoken(stream_answer(model, tokenizer, HI, GREEDY))
    assert said.strip() == generate(model, tokenizer, [HI], max_new_tokens=12)[0].text
    with model.disable_adapter():
        assert spoken(stream_answer(model, tokenizer, HI, GREEDY)) != said


@pytest.mark.parametrize("build", [tiny_llama, tiny_gpt2])
def test_log_probabilities_are_those_of_a_plain_forward_pass(build: Any):
    model, tokenizer = build(), tiny_tokenizer()
    sampling = Sampling(20, temperature=2.0, top_k=50, repetition_penalty=1.2, seed=4, top_logprobs=5)
    ids: list[int] = tokenizer(prompt_text(tokenizer, HI))["input_ids"]
    names = [token_text(tokenizer, id) for id in range(VOCABULARY)]
    tokens = [token for chunk in stream_answer(model, tokenizer, HI, sampling) for token in chunk.tokens]
    assert len(tokens) == 20
    for token in tokens:
        with torch.no_grad():
            expected = model(torch.tensor([ids]), use_cache=False).logits[0, -1].log_softmax(-1)
        best = expected.sort(descending=True)
        assert [text for text, _ in token.top] == [names[id] for id in best.indices[:5]]
        assert [value for _, value in token.top] == pytest.approx(best.values[:5].tolist(), abs=1e-4)
        # Bytes that are no character by themselves all read alike: the probability tells them apart.
        alike = [id for id in range(VOCABULARY) if names[id] == token.text]
        ids.append(min(alike, key=lambda id: abs(float(expected[id]) - token.logprob)))
        assert token.logprob == pytest.approx(float(expected[ids[-1]]), abs=1e-4)


def test_chunks_hold_whole_characters_and_no_special_tokens():
    text = "né日😀 t!"
    chunks = list(stream_answer(saying(text), tiny_tokenizer(), HI, Sampling(temperature=0)))
    assert [chunk.text for chunk in chunks] == [*text, ""]
    assert [len(chunk.tokens) for chunk in chunks] == [1, 2, 3, 4, 1, 1, 1, 1]
    assert chunks[-1].tokens[0].text == "<|im_end|>"
    assert chunks[-1].finish == "stop"


def test_a_character_that_is_cut_off_is_sent_at_the_end():
    chunks = list(stream_answer(saying("n😀"), tiny_tokenizer(), HI, Sampling(3, temperature=0)))
    assert [(chunk.text, chunk.finish) for chunk in chunks] == [("n", None), ("\ufffd", "length")]


def test_an_answer_ends_before_a_stop_string_and_only_there():
    model, tokenizer = saying("abcdefgh"), tiny_tokenizer()

    def sent(*stop: str) -> list[tuple[str, int, str | None]]:
        chunks = stream_answer(model, tokenizer, HI, Sampling(temperature=0, stop=stop))
        return [(chunk.text, len(chunk.tokens), chunk.finish) for chunk in chunks]

    assert sent("def") == [("a", 1, None), ("b", 1, None), ("c", 1, None), ("", 3, "stop")]
    assert sent("bcd", "c") == [("a", 1, None), ("b", 2, "stop")]
    assert sent("a") == [("", 1, "stop")]
    # "bcx" holds "b" and "bc" back until "d" comes; "fgh?" may begin with all that is left.
    assert sent("bcx", "fgh?") == [("a", 1, None), ("bcd", 3, None), ("e", 1, None), ("fgh", 4, "stop")]


CHUNKS = ("a", "b", "ab", "ba", "aab", "abba")


def chunky_tokenizer(tokens: Sequence[str], decoder: Any) -> PreTrainedTokenizerFast:
    """A tokenizer that only decodes."""
    tokenizer = Tokenizer(token_models.WordLevel({token: i for i, token in enumerate(tokens)}, unk_token=tokens[0]))
    tokenizer.decoder = decoder
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer)


@given(
    st.lists(st.integers(0, len(CHUNKS) - 1), max_size=12),
    st.lists(st.text("ab", min_size=1, max_size=5), max_size=4),
)
@example([5], ["abba", "bb"])
def test_stop_strings_cut_where_a_reader_letter_by_letter_would(ids: list[int], stop: list[str]):
    full = "".join(CHUNKS[id] for id in ids)
    complete = next((n for n in range(len(full) + 1) if full[:n].endswith(tuple(stop))), None)
    longest = max((len(s) for s in stop if complete and full[:complete].endswith(s)), default=0)
    expected = full if complete is None else full[: complete - longest]
    transcript, sent = Transcript(chunky_tokenizer(CHUNKS, decoders.Fuse()), stop), ""
    for id in ids:
        if transcript.stopped:
            break
        transcript.add(id)
        sent += transcript.take(everything=transcript.stopped)
        assert expected.startswith(sent)
        beginnings = [sent + s[:n] for s in stop for n in range(1, len(s))]
        assert transcript.text in (sent, *beginnings)
    assert transcript.stopped == (complete is not None)
    assert sent + transcript.take(everything=True) == expected


@given(st.lists(st.integers(0, VOCABULARY - 1), max_size=30))
def test_any_bytes_are_sent_as_they_decode_as_a_whole(ids: list[int]):
    tokenizer = tiny_tokenizer()
    transcript, sent = Transcript(tokenizer, ()), ""
    for id in ids:
        transcript.add(id)
        sent += transcript.take(everything=False)
    assert sent + transcript.take(everything=True) == tokenizer.decode(ids, skip_special_tokens=True)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=12))
def test_characters_spelt_in_byte_tokens_are_sent_one_by_one(text: str):
    names = [f"<0x{byte:02X}>" for byte in range(256)]
    tokenizer = chunky_tokenizer(names, decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()]))
    transcript = Transcript(tokenizer, ())
    sent: list[str] = []
    for byte in text.encode():
        transcript.add(byte)
        sent.append(transcript.take(everything=False))
    assert "".join(sent) + transcript.take(everything=True) == text
    if "\ufffd" not in text:
        assert [chunk for chunk in sent if chunk] == list(text)


def test_a_token_is_written_with_the_blank_before_it():
    metaspace = chunky_tokenizer(["▁so", "ma"], decoders.Metaspace())
    assert [token_text(metaspace, id) for id in (0, 1)] == [" so", "ma"]


@pytest.mark.parametrize("build", [tiny_llama, tiny_gpt2])
def test_an_answer_stops_where_the_context_is_full(build: Any):
    model, tokenizer = (
        build(**{"max_position_embeddings" if build is tiny_llama else "n_positions": 90}),
        tiny_tokenizer(),
    )
    count = prompt_tokens(model, tokenizer, HI)
    assert count == len(tokenizer(prompt_text(tokenizer, HI))["input_ids"])
    chunks = list(stream_answer(model, tokenizer, HI, Sampling(temperature=0)))
    assert chunks[-1].finish == "length"
    assert sum(len(chunk.tokens) for chunk in chunks) == 90 - count
    for ask in (partial(stream_answer, sampling=GREEDY), prompt_tokens):
        with pytest.raises(ModelError, match="leave room for an answer"):
            ask(model, tokenizer, [Message("user", "x" * 90)])


def test_equal_seeds_give_equal_answers_and_torchs_own_random_numbers_stay():
    model, tokenizer = tiny_llama(), tiny_tokenizer()
    before = torch.get_rng_state()

    def sent(seed: int | None) -> list[Chunk]:
        return list(stream_answer(model, tokenizer, HI, Sampling(12, temperature=1.5, seed=seed)))

    assert sent(7) == sent(7) == sent(7)
    assert len({tuple(sent(seed)) for seed in (-1, 0, 1, 2, None, None)}) == 6
    assert torch.equal(torch.get_rng_state(), before)


def by_hand(logits: list[float], temperature: float, top_k: int, top_p: float) -> list[float]:
    """The chance of each token: temperature, the k likeliest, then the fewest of these that reach p."""
    weights = [2.718281828 ** (logit / temperature) for logit in logits]
    order = sorted(range(len(logits)), key=lambda id: -weights[id])[:top_k]
    total, kept, reached = sum(weights[id] for id in order), list[int](), 0.0
    for id in order:
        if reached < top_p:
            kept.append(id)
            reached += weights[id] / total
    return [weights[id] / sum(weights[id] for id in kept) if id in kept else 0.0 for id in range(len(logits))]


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"), [(1.0, 6, 1.0), (0.5, 6, 1.0), (2.0, 3, 1.0), (1.0, 6, 0.8), (1.5, 4, 0.7)]
)
def test_tokens_are_drawn_as_often_as_temperature_and_cuts_say(temperature: float, top_k: int, top_p: float):
    logits, times, random = [0.3, 1.9, -0.5, 1.2, 0.8, -2.0], 3000, torch.Generator().manual_seed(0)
    sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p)
    counts = [0] * len(logits)
    for _ in range(times):
        counts[sample(torch.tensor(logits), [], sampling, random)] += 1
    expected = by_hand(logits, temperature, top_k, top_p)
    assert [count > 0 for count in counts] == [chance > 0 for chance in expected]
    assert [count / times for count in counts] == pytest.approx(expected, abs=0.04)


@pytest.mark.parametrize("narrow", [{"temperature": 5e-324}, {"top_k": 1}, {"top_p": 1e-9}])
def test_a_choice_of_one_is_greedy(narrow: dict[str, Any]):
    model, tokenizer = tiny_llama(), tiny_tokenizer()
    assert spoken(stream_answer(model, tokenizer, HI, Sampling(12, **narrow))) == spoken(
        stream_answer(model, tokenizer, HI, GREEDY)
    )


def test_a_repetition_penalty_is_that_of_the_library():
    model, tokenizer = tiny_llama(), tiny_tokenizer()
    ids = tokenizer(prompt_text(tokenizer, HI), return_tensors="pt")
    out = model.generate(**ids, max_new_tokens=12, do_sample=False, repetition_penalty=1.3)
    expected = tokenizer.decode(out[0, ids["input_ids"].shape[1] :], skip_special_tokens=True)
    assert spoken(stream_answer(model, tokenizer, HI, Sampling(12, temperature=0, repetition_penalty=1.3))) == expected
    assert expected != spoken(stream_answer(model, tokenizer, HI, GREEDY))


def test_a_stopped_answer_tells_what_was_held_back_and_draws_no_more():
    model, tokenizer = saying("abcdefgh"), tiny_tokenizer()
    for passes, text in ((0, ""), (2, "ab"), (4, "abcd")):
        forwards, asked = [0], iter([False] * passes + [True])
        handle = model.register_forward_hook(lambda *_, forwards=forwards: forwards.append(1))
        sampling = Sampling(temperature=0, stop=("cdx",))
        chunks = list(stream_answer(model, tokenizer, HI, sampling, lambda asked=asked: next(asked)))
        handle.remove()
        assert spoken(chunks) == text
        assert sum(forwards) == sum(len(chunk.tokens) for chunk in chunks) == passes
        assert all(chunk.finish is None for chunk in chunks)


def test_a_stopped_answer_tells_the_rest_of_a_token_that_was_sent_in_part():
    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens(["bcd"])
    asked = iter([False, False, True])
    sampling = Sampling(temperature=0, stop=("dx",))
    chunks = list(stream_answer(saying("abcdefgh", tokenizer), tokenizer, HI, sampling, lambda: next(asked)))
    assert [(chunk.text, len(chunk.tokens)) for chunk in chunks] == [("a", 1), ("bc", 1), ("d", 0)]


def test_closing_early_leaves_the_model_as_it_was_and_frees_the_cache():
    model, tokenizer = adapted(tiny_gpt2()), tiny_tokenizer()
    inner = model.get_base_model()
    inner.train()
    inner.transformer.h[0].eval()
    modes = [module.training for module in model.modules()]
    own, caches = inner.generation_config, []
    handle = inner.register_forward_hook(lambda *given: caches.append(weakref.ref(given[2].past_key_values)))
    answer = stream_answer(model, tokenizer, HI, Sampling(50, temperature=0))
    next(answer)
    next(answer)
    assert torch.is_grad_enabled()
    assert not any(module.training for module in inner.modules())
    assert caches[-1]() is not None
    answer.close()  # pyright: ignore[reportAttributeAccessIssue]
    handle.remove()
    gc.collect()
    assert all(cache() is None for cache in caches)
    assert [module.training for module in model.modules()] == modes
    assert inner.generation_config is own


def test_dropout_is_silent_even_where_only_a_part_is_in_training_mode():
    model, tokenizer = tiny_gpt2(resid_pdrop=0.5), tiny_tokenizer()
    expected = spoken(stream_answer(model, tokenizer, HI, GREEDY))
    model.transformer.h[1].train()
    assert spoken(stream_answer(model, tokenizer, HI, GREEDY)) == expected
    assert model.transformer.h[1].mlp.dropout.training


def test_the_models_own_settings_are_put_aside_but_for_its_end_tokens():
    model, tokenizer = saying("abcdefgh"), tiny_tokenizer()
    model.generation_config.update(do_sample=True, temperature=5.0, top_k=3, repetition_penalty=3.0)
    assert spoken(stream_answer(model, tokenizer, HI, GREEDY)) == "abcdefgh"
    model.generation_config.eos_token_id = [2, tokenizer("d")["input_ids"][0]]
    chunks = list(stream_answer(model, tokenizer, HI, GREEDY))
    assert (spoken(chunks), chunks[-1].finish) == ("abcd", "stop")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_new_tokens", 0),
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("temperature", float("inf")),
        ("top_p", 0.0),
        ("top_p", 1.1),
        ("top_k", 0),
        ("repetition_penalty", 0.0),
        ("stop", ("a", "b", "c", "d", "e")),
        ("stop", ("a", "")),
        ("seed", 2**63),
        ("top_logprobs", -1),
        ("top_logprobs", 21),
    ],
)
def test_values_out_of_range_are_refused_by_name(name: str, value: Any):
    with pytest.raises(ModelError, match=f"^{name} must be .*found"):
        Sampling(**{name: value})


def test_an_empty_conversation_is_refused_at_once():
    with pytest.raises(ModelError, match="at least one message"):
        stream_answer(tiny_llama(), tiny_tokenizer(), [], GREEDY)
