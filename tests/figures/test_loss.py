import pytest

from tests.figures.vegalite import assert_valid
from whence.figures.loss import POINTS, Step, specification, thinned

STEPS = [Step(n, 3.0 / n, 1e-3 / n) for n in range(1, 31)]


def test_the_specification_is_sound_vega_lite_with_and_without_learning_rates():
    assert_valid(specification(STEPS))
    assert_valid(specification([Step(1, 2.0), Step(2, 1.0)]))


def test_every_step_is_a_point_and_the_learning_rate_a_line_of_its_own_scale():
    made = specification(STEPS)
    assert [(v["step"], v["loss"]) for v in made["data"]["values"]] == [(s.step, s.loss) for s in STEPS]
    assert [layer["encoding"]["y"]["field"] for layer in made["layer"]] == ["learning_rate", "loss"]
    assert made["resolve"] == {"scale": {"y": "independent"}}
    assert len(specification([Step(1, 2.0)])["layer"]) == 1


@pytest.mark.parametrize("count", [1, POINTS, POINTS + 1, 7 * POINTS + 5])
def test_of_very_many_steps_means_are_drawn(count: int):
    steps = [Step(n, float(n % 7), 0.5) for n in range(count)]
    shown = thinned(steps)
    size = -(-count // POINTS)
    assert len(shown) <= POINTS
    assert shown[-1].step == count - 1
    for place, one in enumerate(shown):
        part = steps[place * size : (place + 1) * size]
        assert one == Step(part[-1].step, pytest.approx(sum(s.loss for s in part) / len(part)), 0.5)
