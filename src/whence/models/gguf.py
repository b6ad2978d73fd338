"""A Llama-shaped GGUF file, turned into an ordinary transformers checkpoint in float32.

transformers' own GGUF loader keeps the weights quantised; training needs plain numbers. Knows the Llama
layout and byte-level BPE tokenizers only: what the models of the catalogue are made of.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import torch
from gguf import GGUFReader, dequantize
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from whence.errors import ModelError
from whence.models.quiet import quiet

OUTSIDE = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
INSIDE = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
CONTROL = 3
"""GGUF's token type of special tokens."""


def convert_llama(gguf_path: Path, out: Path) -> None:
    """Write a GGUF file as a checkpoint (config, safetensors weights, tokenizer, chat template) into `out`.

    Raises:
        ModelError: the file is no Llama with a byte-level BPE tokenizer, or header and weights disagree.
    """
    header = Header(gguf_path)
    header.refuse_unless("general.architecture", "llama")
    tokenizer = read_tokenizer(header)
    model = read_model(header)
    with quiet():
        for part in (model, tokenizer):
            cast(Any, part).save_pretrained(out)


class Header:
    """The key-value part of a GGUF file, and the tensors behind it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.reader = GGUFReader(path)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, else `default`."""
        field = self.reader.fields.get(key)
        return cast(Any, field).contents() if field else default

    def need(self, key: str) -> Any:
        """The value of a key that must be there."""
        value = self.get(key)
        if value is None:
            raise ModelError(f"{self.path.name} must state {key} but does not. Use another conversion of the model.")
        return value

    def refuse_unless(self, key: str, *accepted: str) -> None:
        """Raise unless the value of `key` is one of `accepted`."""
        if (value := self.get(key)) not in accepted:
            raise ModelError(
                f"{self.path.name}: {key} must be {' or '.join(accepted)} (found {value}). "
                "Name a safetensors checkpoint of this model instead."
            )


def read_model(header: Header) -> LlamaForCausalLM:
    """The model of a GGUF file, in float32."""
    config = read_config(header)
    weights = dict(read_weights(header, config))
    model = LlamaForCausalLM(config)
    try:
        fit = cast(Any, model).load_state_dict(weights, strict=False)
    except RuntimeError as error:
        raise ModelError(f"{header.path.name} has weights of other shapes than its header says: {error}") from error
    tied = {"lm_head.weight"} if config.tie_word_embeddings else set[str]()
    if odd := sorted({*cast(list[str], fit.missing_keys + fit.unexpected_keys)} - tied):
        raise ModelError(f"{header.path.name} has other weights than its header says ({', '.join(odd[:5])}).")
    return model


def read_config(header: Header) -> LlamaConfig:
    """The transformers configuration that a GGUF header describes."""
    names = {tensor.name for tensor in header.reader.tensors}
    return LlamaConfig(
        vocab_size=len(header.need("tokenizer.ggml.tokens")),
        hidden_size=header.need("llama.embedding_length"),
        intermediate_size=header.need("llama.feed_forward_length"),
        num_hidden_layers=header.need("llama.block_count"),
        num_attention_heads=header.need("llama.attention.head_count"),
        num_key_value_heads=header.need("llama.attention.head_count_kv"),
        max_position_embeddings=header.need("llama.context_length"),
        rms_norm_eps=float(header.need("llama.attention.layer_norm_rms_epsilon")),
        tie_word_embeddings="output.weight" not in names,
        rope_parameters={
            "rope_type": "default",
            "rope_theta": float(header.get("llama.rope.freq_base", 10000.0)),
        },
        bos_token_id=header.get("tokenizer.ggml.bos_token_id"),
        eos_token_id=header.need("tokenizer.ggml.eos_token_id"),
        pad_token_id=header.get("tokenizer.ggml.padding_token_id", header.need("tokenizer.ggml.eos_token_id")),
    )


def read_weights(header: Header, config: LlamaConfig) -> Iterator[tuple[str, torch.Tensor]]:
    """Each weight of the file under its transformers name, in float32."""
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    for tensor in header.reader.tensors:
        weight = torch.tensor(dequantize(tensor.data, tensor.tensor_type), dtype=torch.float32)
        if tensor.name in OUTSIDE:
            yield OUTSIDE[tensor.name], weight
            continue
        _, block, part, *_ = (*tensor.name.split("."), "", "", "")
        if part not in INSIDE:
            raise ModelError(f"{header.path.name} holds {tensor.name}, which no Llama has. Name another model.")
        name = f"model.layers.{block}.{INSIDE[part]}.weight"
        yield name, half_split(weight, cast(int, heads[part])) if part in heads else weight


def half_split(weight: torch.Tensor, heads: int) -> torch.Tensor:
    """The rows of a query or key weight in transformers' order.

    GGUF rotates neighbouring rows of a head as pairs, (0, 1), (2, 3), …; transformers rotates row i with row
    i + half. So the even rows of each head come first, then the odd ones.
    """
    rows, columns = weight.shape
    return weight.view(heads, rows // heads // 2, 2, columns).transpose(1, 2).reshape(rows, columns)


def read_tokenizer(header: Header) -> PreTrainedTokenizerFast:
    """The tokenizer of a GGUF file, with its special tokens and chat template."""
    header.refuse_unless("tokenizer.ggml.model", "gpt2")
    header.refuse_unless("tokenizer.ggml.pre", "smollm", "gpt-2")
    tokens = cast(list[str], header.need("tokenizer.ggml.tokens"))
    merges = [tuple(merge.split(" ", 1)) for merge in cast(list[str], header.need("tokenizer.ggml.merges"))]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    bpe = Tokenizer(models.BPE(vocab=vocabulary, merges=cast(list[tuple[str, str]], merges)))
    bytes_only = pre_tokenizers.ByteLevel(add_prefix_space=False)
    digits = pre_tokenizers.Digits(individual_digits=True)
    each_digit = header.get("tokenizer.ggml.pre") == "smollm"
    bpe.pre_tokenizer = pre_tokenizers.Sequence([digits, bytes_only]) if each_digit else bytes_only
    bpe.decoder = decoders.ByteLevel()
    types = cast(list[int], header.get("tokenizer.ggml.token_type", []))
    special = [token for token, kind in zip(tokens, types, strict=False) if kind == CONTROL]
    cast(Any, bpe).add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        chat_template=header.get("tokenizer.chat_template"),
        **named_tokens(header, tokens),
    )


def named_tokens(header: Header, tokens: list[str]) -> dict[str, str]:
    """The tokens that mark beginning, end, padding and the unknown, as far as the file names them."""
    names = {"bos_token": "bos", "eos_token": "eos", "pad_token": "padding", "unk_token": "unknown"}
    ids = {role: header.get(f"tokenizer.ggml.{key}_token_id") for role, key in names.items()}
    return {role: tokens[i] for role, i in ids.items() if i is not None}
