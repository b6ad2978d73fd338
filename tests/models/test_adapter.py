import json
from pathlib import Path

import pytest
import torch

from tests.tiny import tiny_gpt2, tiny_llama
from whence.errors import ModelError
from whence.models.adapter import load_adapter, put_weights, remove_adapter, save_adapter, trainable_weights, with_lora

IDS = torch.arange(3, 20)[None]


def test_equal_seeds_give_equal_weights_and_leave_the_random_numbers_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    weights = [trainable_weights(with_lora(tiny_llama(), 4, 8, "all-linear", seed)) for seed in (0, 0, 1)]
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert not all(torch.equal(weights[0][name], weights[2][name]) for name in weights[0])


def test_a_fresh_adapter_trains_only_lora_weights_and_changes_no_output():
    model = tiny_llama()
    before = model(IDS).logits
    adapted = with_lora(model, 4, 8, "all-linear", seed=0)
    assert torch.equal(adapted(IDS).logits, before)
    weights = trainable_weights(adapted)
    assert len(weights) == 2 * 7 * 2  # layers × linear maps × factors
    assert all("lora_" in name for name in weights)


def test_dropout_is_in_force_in_training_mode_alone(tmp_path: Path):
    adapted = with_lora(tiny_llama(), 4, 8, "all-linear", seed=0, dropout=0.5)
    put_weights(adapted, {name: torch.ones_like(weight) for name, weight in trainable_weights(adapted).items()})
    save_adapter(adapted, tmp_path)
    for model in (adapted, load_adapter(tiny_llama(), tmp_path)):
        assert not any(module.training for module in model.modules())
        assert torch.equal(model(IDS).logits, adapted(IDS).logits)
        model.train()
        assert not torch.equal(model(IDS).logits, model(IDS).logits)
        model.eval()
    assert all(module.training for module in with_lora(tiny_llama().train(), 4, 8, "all-linear", seed=0).modules())


def test_adapter_weights_are_float32_on_a_bfloat16_model():
    adapted = with_lora(tiny_llama().bfloat16(), 4, 8, "all-linear", seed=0)
    assert {weight.dtype for weight in trainable_weights(adapted).values()} == {torch.float32}


def test_named_targets_and_conv1d_layers_take_lora():
    assert len(trainable_weights(with_lora(tiny_llama(), 4, 8, ["q_proj", "v_proj"], seed=0))) == 2 * 2 * 2
    assert len(trainable_weights(with_lora(tiny_gpt2(), 4, 8, "all-linear", seed=0))) == 2 * 4 * 2


@pytest.mark.parametrize("dropout", [-0.1, 1.0])
def test_a_dropout_that_is_no_share_is_refused(dropout: float):
    with pytest.raises(ModelError, match="dropout of at least 0 and below 1"):
        with_lora(tiny_llama(), 4, 8, "all-linear", seed=0, dropout=dropout)


@pytest.mark.parametrize(("rank", "alpha", "targets"), [(0, 8, "all-linear"), (4, 0, "all-linear"), (4, 8, ["none"])])
def test_settings_that_cannot_work_are_refused(rank: int, alpha: float, targets: str | list[str]):
    with pytest.raises(ModelError, match="LoRA"):
        with_lora(tiny_llama(), rank, alpha, targets, seed=0)


def test_weights_are_a_copy_that_can_be_put_back():
    adapted = with_lora(tiny_llama(), 4, 8, "all-linear", seed=0)
    before, logits = trainable_weights(adapted), adapted(IDS).logits
    changed = {name: torch.ones_like(weight) for name, weight in before.items()}
    put_weights(adapted, changed)
    assert not torch.equal(adapted(IDS).logits, logits)
    assert not any(torch.equal(weight, changed[name]) for name, weight in before.items())
    put_weights(adapted, before)
    assert torch.equal(adapted(IDS).logits, logits)
    assert all(p.requires_grad for name, p in adapted.named_parameters() if name in before)


def test_weights_that_do_not_fit_are_refused_and_change_nothing():
    adapted = with_lora(tiny_llama(), 4, 8, "all-linear", seed=0)
    before = trainable_weights(adapted)
    first = next(iter(before))
    ones = {name: torch.ones_like(weight) for name, weight in before.items()}
    with pytest.raises(ModelError, match="missing"):
        put_weights(adapted, {name: weight for name, weight in ones.items() if name != first})
    with pytest.raises(ModelError, match="unknown"):
        put_weights(adapted, {**ones, "zz": torch.ones(1)})
    with pytest.raises(ModelError, match="must have the shape"):
        put_weights(adapted, {**ones, first: torch.ones(1)})
    after = trainable_weights(adapted)
    assert all(torch.equal(after[name], before[name]) for name in before)


def saved(folder: Path, targets: str | list[str] = "all-linear", rank: int = 4) -> Path:
    adapted = with_lora(tiny_llama(), rank, 8, targets, seed=0)
    put_weights(adapted, {name: torch.randn_like(w) for name, w in trainable_weights(adapted).items()})
    save_adapter(adapted, folder)
    torch.save(adapted(IDS).logits.detach(), folder / "logits")
    return folder


def test_a_saved_adapter_loads_with_trainable_float32_weights(tmp_path: Path):
    adapted = load_adapter(tiny_llama(), saved(tmp_path))
    torch.testing.assert_close(adapted(IDS).logits, torch.load(tmp_path / "logits", weights_only=True))
    assert len(trainable_weights(adapted)) == 28
    low = load_adapter(tiny_llama().bfloat16(), tmp_path)
    assert {weight.dtype for weight in trainable_weights(low).values()} == {torch.float32}


def test_adapters_take_turns_on_one_base_model_and_leave_no_trace(tmp_path: Path):
    first, second = saved(tmp_path / "first"), saved(tmp_path / "second", ["q_proj", "up_proj"], rank=2)
    base, fresh = tiny_llama(), tiny_llama()
    for folder in (first, second, first):
        adapted = load_adapter(base, folder)
        assert torch.equal(adapted(IDS).logits, load_adapter(tiny_llama(), folder)(IDS).logits)
        assert not torch.equal(adapted(IDS).logits, fresh(IDS).logits)
        assert remove_adapter(adapted) is base
        assert torch.equal(base(IDS).logits, fresh(IDS).logits)
        assert [(n, type(m)) for n, m in base.named_modules()] == [(n, type(m)) for n, m in fresh.named_modules()]
        assert trainable_weights(base).keys() == trainable_weights(fresh).keys()
        assert vars(base).keys() == vars(fresh).keys()


@pytest.mark.parametrize("base", [{"hidden_size": 64}, {"num_hidden_layers": 1}, {"num_hidden_layers": 3}])
def test_an_adapter_of_another_base_model_is_refused(tmp_path: Path, base: dict[str, int]):
    saved(tmp_path, ["q_proj", "up_proj"])
    with pytest.raises(ModelError, match="does not fit this base model"):
        load_adapter(tiny_llama(**base), tmp_path)


def test_equal_adapters_are_saved_as_equal_files(tmp_path: Path):
    for name in ("one", "other"):
        save_adapter(with_lora(tiny_llama(), 4, 8, "all-linear", seed=0), tmp_path / name)
    for file in ("adapter_config.json", "adapter_model.safetensors"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "other" / file).read_bytes()
    named = json.loads((tmp_path / "one" / "adapter_config.json").read_text())["target_modules"]
    assert named == sorted(named)


@pytest.mark.parametrize(("change", "found"), [({"peft_type": "IA3"}, "IA3"), ({"use_dora": True}, "DoRA")])
def test_anything_but_plain_lora_is_refused(tmp_path: Path, change: dict[str, object], found: str):
    path = saved(tmp_path) / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ModelError, match=f"Only LoRA .*found {found}"):
        load_adapter(tiny_llama(), tmp_path)


def test_an_adapter_without_safetensors_is_refused(tmp_path: Path):
    with pytest.raises(ModelError, match=r"no adapter_config\.json"):
        load_adapter(tiny_llama(), tmp_path)
    (saved(tmp_path) / "adapter_model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"adapter_model\.safetensors"):
        load_adapter(tiny_llama(), tmp_path)
