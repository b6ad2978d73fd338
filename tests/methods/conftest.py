from collections.abc import Callable
from pathlib import Path

import pytest
from transformers import BertConfig, BertModel

from whence.gradients.subject import Subject
from whence.methods.contract_subject import MemoryExamples, tiny_subject, tiny_tokenizer
from whence.models.adapter import seeded
from whence.types import Example, Message, Tokens


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    return tiny_subject(tmp_path)


@pytest.fixture
def texts() -> Callable[..., Subject]:
    """A subject without a model, made of (question, answer) pairs."""

    def made(*pairs: tuple[str, str]) -> Subject:
        items = tuple(
            Example(f"{i}", "file", "f.jsonl", i + 1, 0, (Message("user", asked), Message("assistant", said)))
            for i, (asked, said) in enumerate(pairs)
        )
        return Subject(MemoryExamples(items, tuple(Tokens((1, 2), (-100, 2)) for _ in items)))

    return made


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random 2-layer BERT, as an encoder would be downloaded."""
    folder = tmp_path_factory.mktemp("encoder")
    config = BertConfig(
        vocab_size=257,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        initializer_range=0.5,
        pad_token_id=0,
    )
    with seeded(0):
        BertModel(config).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder
