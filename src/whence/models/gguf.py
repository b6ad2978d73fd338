"""A Llama-shaped GGUF file, converted to an ordinary transformers checkpoint in float32.

transformers reads and dequantises the file. Where it departs from the model's own configuration and tokenizer, this
module puts that right. Accepts the Llama layout and byte-level BPE tokenizers only: what the catalogue holds.
"""

import io
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any, cast

import torch
from gguf import GGUFReader
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig, PreTrainedModel, PreTrainedTokenizerBase

from whence.errors import ModelError
from whence.models.quiet import quiet

PRE_TOKENIZER = "tokenizer.ggml.pre"
ACCEPTED = {
    "general.architecture": ("llama",),
    "tokenizer.ggml.model": ("gpt2",),
    PRE_TOKENIZER: ("smollm", "gpt-2"),
}
"""Header keys, each with the values that can be converted."""
NOT_OF_LLAMA = ("_model_name_or_path", "unk_token_id")
"""Settings that transformers copies from the header and that do not belong to a Llama configuration."""


def convert_llama(gguf_path: Path, out: Path) -> None:
    """Write a GGUF file as a checkpoint (config, safetensors weights, tokenizer, chat template) into `out`.

    Raises:
        ModelError: the file is not a Llama with a byte-level BPE tokenizer, or header and weights disagree.
    """
    header = read_header(gguf_path)
    # The progress bar of this reader ignores the settings of transformers.
    with quiet(), redirect_stderr(io.StringIO()):
        model = read_model(gguf_path)
        tokenizer = read_tokenizer(gguf_path, digits_alone=header[PRE_TOKENIZER] == "smollm")
        for part in (model, tokenizer):
            cast(Any, part).save_pretrained(out)


def read_header(path: Path) -> dict[str, Any]:
    """Return the values of the keys in `ACCEPTED`.

    Raises:
        ModelError: a value is not accepted.
    """
    fields = cast(dict[str, Any], GGUFReader(path).fields)
    header = {key: fields[key].contents() if key in fields else None for key in ACCEPTED}
    for key, value in header.items():
        if value not in ACCEPTED[key]:
            raise ModelError(
                f"{path.name}: {key} must be {' or '.join(ACCEPTED[key])} (found {value}). "
                "Name a safetensors checkpoint of this model instead."
            )
    return header


def read_model(path: Path) -> PreTrainedModel:
    """Load the model of a GGUF file, in float32.

    Raises:
        ModelError: the weights do not match the header.
    """
    options: dict[str, Any] = {"dtype": torch.float32, "quantization_config": GgufConfig(dequantize=True)}
    try:
        model, seen = cast(Any, AutoModelForCausalLM).from_pretrained(
            path.parent, gguf_file=path.name, output_loading_info=True, **options
        )
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"{path.name} has weights of other shapes than its header says: {error}") from error
    if odd := sorted({*seen["missing_keys"], *seen["unexpected_keys"]}):
        raise ModelError(f"{path.name} has other weights than its header says ({', '.join(odd[:5])}).")
    for name in NOT_OF_LLAMA:
        vars(model.config).pop(name, None)
    return cast(PreTrainedModel, model)


def read_tokenizer(path: Path, *, digits_alone: bool) -> PreTrainedTokenizerBase:
    """Load the tokenizer of a GGUF file, with its special tokens and chat template.

    `digits_alone`: each digit is split off before the merges, which transformers does not do for this format.
    """
    tokenizer: Any = cast(Any, AutoTokenizer).from_pretrained(path.parent, gguf_file=path.name)
    fast = tokenizer.backend_tokenizer
    fast.model.continuing_subword_prefix = fast.model.end_of_word_suffix = None
    if digits_alone:
        digits = pre_tokenizers.Digits(individual_digits=True)
        fast.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    return cast(PreTrainedTokenizerBase, tokenizer)
