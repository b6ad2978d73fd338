import pytest

from tests.methods.test_contract import SETTINGS
from whence.errors import MethodError
from whence.methods.registry import METHODS, method_named


def test_every_method_is_found_by_its_own_name() -> None:
    assert [method_named(name).name for name in METHODS] == list(METHODS)


def test_every_method_runs_the_contract() -> None:
    assert SETTINGS.keys() == METHODS.keys()


def test_settings_reach_the_method() -> None:
    assert method_named("fisher", {"points": 2, "sketch": 64}) == METHODS["fisher"](points=2, sketch=64)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(MethodError, match=r"one of fisher, tracin, .*found 'magic'"):
        method_named("magic")


def test_an_unknown_setting_is_refused_with_the_known_ones() -> None:
    with pytest.raises(MethodError, match=r"bm25 has the settings k1, b .*'sketch'"):
        method_named("bm25", {"sketch": 4})


@pytest.mark.parametrize("name", ["fisher", "tracin", "grad_dot", "grad_cos"])
@pytest.mark.parametrize("sketch", [1000, 0, -4])
def test_a_sketch_that_is_no_square_is_refused_before_anything_is_computed(name: str, sketch: int) -> None:
    with pytest.raises(MethodError, match=f"perfect square, .*found {sketch}"):
        method_named(name, {"sketch": sketch})


@pytest.mark.parametrize("settings", [{"points": 0}, {"damping": 0.0}, {"damping": -1.0}])
def test_fisher_refuses_settings_that_are_not_positive(settings: dict[str, float]) -> None:
    with pytest.raises(MethodError, match="must be positive"):
        method_named("fisher", settings)
