"""The methods as a caller sees them."""

from fastapi.testclient import TestClient

from whence.methods.registry import METHODS


def test_the_methods_are_listed_with_what_they_mean_and_need(client: TestClient):
    listed = client.get("/v1/whence/methods").json()
    assert listed["data"] == [
        {"name": name, "unit": method.unit, "needs": {"checkpoints": method.needs.checkpoints}}
        for name, method in METHODS.items()
    ]
