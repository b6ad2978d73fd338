"""A tokenizer built in code, with and without a chat template, and data files written in a line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@pytest.fixture(scope="session")
def make_tokenizer() -> Callable[[str | None], PreTrainedTokenizerFast]:
    """One token a byte, but for ` y`, which is one token: it can straddle the start of an answer."""

    def make(template: str | None) -> PreTrainedTokenizerFast:
        special = ["<|im_start|>", "<|im_end|>"]
        letters = [*special, *sorted(pre_tokenizers.ByteLevel.alphabet()), "Ġy"]
        tokenizer = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(letters)}, merges=[("Ġ", "y")]))
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=special[0], eos_token=special[1])
        fast.chat_template = template
        return fast

    return make


@pytest.fixture(scope="session")
def tokenizer(make_tokenizer: Callable[[str | None], PreTrainedTokenizerFast]) -> PreTrainedTokenizerFast:
    return make_tokenizer(CHATML)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a JSONL file: dictionaries as JSON, strings as they are."""

    def write(*lines: object, name: str = "data.jsonl") -> Path:
        path = tmp_path / name
        text = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        path.write_text("\n".join(text) + "\n", "utf-8")
        return path

    return write
