import json

import pytest

from whence.engine.orders import Said, StageOrder


@pytest.mark.parametrize(
    "order",
    [
        StageOrder("index", "/jobs/1/run"),
        StageOrder("train", "/jobs/1/run", ("/a.jsonl", "/b.csv"), "tiny", {"rank": 2, "targets": ("a", "b")}, "bm25"),
    ],
)
def test_an_order_crosses_as_json(order: StageOrder):
    crossed = json.loads(json.dumps(order.to_dict()))
    assert json.dumps(StageOrder(**crossed).to_dict()) == json.dumps(order.to_dict())


@pytest.mark.parametrize(
    "said", [Said(progress={"step": "null", "done": 1}), Said(facts={}), Said(failure="No.", kind="user"), Said()]
)
def test_what_is_said_crosses_as_json(said: Said):
    assert Said(**json.loads(json.dumps(said.to_dict()))) == said
