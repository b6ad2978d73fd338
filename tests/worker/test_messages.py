import json

import pytest

from whence.worker.messages import StageEvent, StageRequest


@pytest.mark.parametrize(
    "order",
    [
        StageRequest("index", "/jobs/1/run"),
        StageRequest(
            "train", "/jobs/1/run", ("/a.jsonl", "/b.csv"), "tiny", {"rank": 2, "targets": ("a", "b")}, "bm25"
        ),
    ],
)
def test_an_order_crosses_as_json(order: StageRequest):
    crossed = json.loads(json.dumps(order.to_dict()))
    assert json.dumps(StageRequest(**crossed).to_dict()) == json.dumps(order.to_dict())


@pytest.mark.parametrize(
    "said",
    [
        StageEvent(progress={"step": "null", "done": 1}),
        StageEvent(facts={}),
        StageEvent(failure="No.", kind="user"),
        StageEvent(),
    ],
)
def test_what_is_said_crosses_as_json(said: StageEvent):
    assert StageEvent(**json.loads(json.dumps(said.to_dict()))) == said
