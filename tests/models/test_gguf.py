from pathlib import Path
from typing import Any

import pytest
import torch
from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter, dequantize, quantize
from transformers import LlamaForCausalLM

from tests.tiny import CHAT_TEMPLATE, SPECIAL, VOCABULARY, tiny_tokenizer
from tests.tiny import tiny_llama as any_llama
from whence.errors import ModelError
from whence.models.base import load, load_tokenizer
from whence.models.gguf import convert_llama

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
"""GGUF's names of the weights and those of transformers."""


def tiny_llama(**overrides: Any) -> LlamaForCausalLM:
    """A tiny Llama with room for one merged token."""
    return any_llama(vocab_size=VOCABULARY + 1, **overrides)


def write_gguf(
    path: Path, model: Any, *, pre: str = "smollm", arch: str = "llama", drop: str = "", packed: bool = False
) -> Path:
    """The model as a GGUF file with the vocabulary of the tiny tokenizer; `packed`: matrices are quantised to Q8_0."""
    config = model.config
    writer = GGUFWriter(path, arch)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    vocabulary = tiny_tokenizer().get_vocab()
    tokens = [*sorted(vocabulary, key=vocabulary.__getitem__), "ĠĠ"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token in SPECIAL else 1 for token in tokens])
    writer.add_token_merges(["Ġ Ġ"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_chat_template(CHAT_TEMPLATE)
    for name, weight in gguf_weights(model).items():
        if name != drop:
            if packed and weight.dim() == 2:
                kind = GGMLQuantizationType.Q8_0
                writer.add_tensor(name, quantize(weight.contiguous().numpy(), kind), raw_dtype=kind)
            else:
                writer.add_tensor(name, weight.contiguous().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def gguf_weights(model: Any) -> dict[str, torch.Tensor]:
    """The weights under GGUF's names, rotary rows interleaved."""
    config, back = model.config, {theirs: ours for ours, theirs in (*OUTSIDE.items(), *INSIDE.items())}
    heads = {"self_attn.q_proj": config.num_attention_heads, "self_attn.k_proj": config.num_key_value_heads}
    found: dict[str, torch.Tensor] = {}
    for name, parameter in model.named_parameters():
        weight = parameter.detach()
        if name in back:
            found[back[name]] = weight
            continue
        _, _, block, part = name.removesuffix(".weight").split(".", 3)
        found[f"blk.{block}.{back[part]}.weight"] = interleave(weight, heads[part]) if part in heads else weight
    return found


def interleave(weight: torch.Tensor, heads: int) -> torch.Tensor:
    rows = weight.shape[0] // heads
    order = [head * rows + half * rows // 2 + i for head in range(heads) for i in range(rows // 2) for half in (0, 1)]
    return weight[order]


@pytest.mark.parametrize("tied", [True, False])
def test_the_converted_model_gives_the_same_logits(tmp_path: Path, tied: bool):
    model = tiny_llama(tie_word_embeddings=tied)
    convert_llama(write_gguf(tmp_path / "m.gguf", model), tmp_path / "out")
    converted = load(tmp_path / "out", dtype=torch.float32)
    ids = torch.arange(3, 40)[None]
    torch.testing.assert_close(converted(ids).logits, model(ids).logits)
    assert converted.config.tie_word_embeddings == tied


def test_quantised_weights_are_stored_as_gguf_dequantises_them(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    model = tiny_llama(hidden_size=32, intermediate_size=64)
    path = write_gguf(tmp_path / "m.gguf", model, packed=True)
    convert_llama(path, tmp_path / "out")
    assert capfd.readouterr() == ("", "")
    names = gguf_weights(load(tmp_path / "out", dtype=torch.float32))
    stored = {t.name: torch.tensor(dequantize(t.data, t.tensor_type)) for t in GGUFReader(path).tensors}
    assert names.keys() == stored.keys()
    assert all(torch.equal(names[name], weight) for name, weight in stored.items())
    assert not torch.equal(stored["token_embd.weight"], gguf_weights(model)["token_embd.weight"])


def test_the_converted_tokenizer_keeps_template_and_special_tokens(tmp_path: Path):
    convert_llama(write_gguf(tmp_path / "m.gguf", tiny_llama()), tmp_path / "out")
    tokenizer, tiny = load_tokenizer(tmp_path / "out"), tiny_tokenizer()
    text = "<|im_start|>user\nhéllo 世界 2024<|im_end|>\n"
    assert tokenizer(text)["input_ids"] == tiny(text)["input_ids"]
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    assert (tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token) == (
        SPECIAL[1],
        SPECIAL[2],
        SPECIAL[2],
    )
    assert tokenizer.chat_template == CHAT_TEMPLATE


def test_digits_stand_alone_only_where_the_file_says_so(tmp_path: Path):
    for pre, blanks in (("smollm", ["ĠĠ", "1"]), ("gpt-2", ["Ġ", "Ġ", "1"])):
        convert_llama(write_gguf(tmp_path / f"{pre}.gguf", tiny_llama(), pre=pre), tmp_path / pre)
        assert load_tokenizer(tmp_path / pre).tokenize("  1") == blanks


def test_other_architectures_and_tokenizers_are_refused(tmp_path: Path):
    with pytest.raises(ModelError, match=r"tokenizer.ggml.pre must be smollm or gpt-2 \(found other\)"):
        convert_llama(write_gguf(tmp_path / "m.gguf", tiny_llama(), pre="other"), tmp_path / "out")
    with pytest.raises(ModelError, match=r"architecture must be llama \(found bert\)"):
        convert_llama(write_gguf(tmp_path / "b.gguf", tiny_llama(), arch="bert"), tmp_path / "out")


def test_a_file_that_lacks_a_weight_is_refused(tmp_path: Path):
    path = write_gguf(tmp_path / "m.gguf", tiny_llama(), drop="blk.1.ffn_up.weight")
    with pytest.raises(ModelError, match=r"layers\.1\.mlp\.up_proj"):
        convert_llama(path, tmp_path / "out")
