import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from whence import pipeline, types
from whence.auditing.prepare import AuditPlan
from whence.cli import ask, check, demo, index, train
from whence.levels import lift, verdict
from whence.worker.messages import StageRequest

SRC = Path(types.__file__).parents[1]


def default(door: Callable[..., Any], name: str) -> Any:
    return inspect.signature(door).parameters[name].default


@pytest.mark.parametrize(
    ("door", "name"),
    [
        (pipeline.attribute, "max_new_tokens"),
        (lift.own_answers, "max_new_tokens"),
        (types.AttributionRequest, "max_new_tokens"),
    ],
)
def test_an_own_answer_is_as_long_through_every_door(door: Callable[..., Any], name: str):
    assert default(door, name) == types.ANSWER_TOKENS == 128


def test_doors_agree_on_the_discovery_rate_the_method_and_the_base_model():
    rates = [
        default(pipeline.attribute, "false_discovery_rate"),
        default(verdict.verdicts, "rate"),
        default(AuditPlan, "rate"),
        default(ask.ask, "fdr"),
    ]
    assert rates == [types.DISCOVERY_RATE] * len(rates)
    methods = [default(f, "method") for f in (pipeline.build_index, index.index, StageRequest)]
    assert methods == [types.DEFAULT_METHOD] * len(methods)
    models = [default(f, "base_model") for f in (pipeline.finetune, check.check, demo.demo, train.train)]
    assert models == [types.DEFAULT_MODEL] * len(models)


@pytest.mark.parametrize(
    ("value", "homes"),
    [
        (types.DEFAULT_MODEL, {"types/defaults.py", "models/catalog.py"}),
        (types.DEFAULT_METHOD, {"types/defaults.py", "methods/fisher.py", "methods/catalog.py"}),
    ],
)
def test_a_default_is_stated_once(value: str, homes: set[str]):
    found = {str(p.relative_to(SRC)) for p in SRC.rglob("*.py") if f'"{value}"' in p.read_text("utf-8")}
    assert found <= homes
