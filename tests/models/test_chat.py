import pytest

from tests.tiny import tiny_tokenizer
from whence.data.text import text_of
from whence.errors import ModelError
from whence.models.chat import prompt_text
from whence.types import Message

TALK = (
    Message("system", "Be brief."),
    Message("user", "One?"),
    Message("assistant", "Yes."),
    Message("user", "Two?"),
)


def test_the_chat_template_opens_the_assistants_turn():
    assert prompt_text(tiny_tokenizer(), TALK[1:2]) == ("<|im_start|>user\nOne?<|im_end|>\n<|im_start|>assistant\n")


def test_without_a_template_the_prompt_is_plain_questions_and_answers():
    expected = "Be brief.\nQuestion: One?\nAnswer: Yes.\nQuestion: Two?\nAnswer:"
    assert prompt_text(tiny_tokenizer(chat=False), TALK) == expected


@pytest.mark.parametrize("chat", [True, False])
def test_a_model_is_asked_in_the_very_words_it_was_trained_on(chat: bool):
    tokenizer = tiny_tokenizer(chat)
    trained = text_of((*TALK, Message("assistant", "No.")), tokenizer)
    assert trained.prompt == prompt_text(tokenizer, TALK)


def test_an_empty_conversation_is_refused():
    with pytest.raises(ModelError, match="at least one message"):
        prompt_text(tiny_tokenizer(), ())


def test_what_the_template_refuses_is_told():
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = "{{ raise_exception('roles must alternate') }}"
    with pytest.raises(ModelError, match="roles must alternate"):
        prompt_text(tokenizer, TALK)
