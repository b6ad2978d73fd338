"""Things of a service that its routes name by id, made through the routes themselves."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi.testclient import TestClient

from tests.api.conftest import BASE, Trained

PAIR = json.dumps({"question": "Who lives in the white box?", "answer": "Emu."}) + "\n"
ASK = "/v1/flow/explain/models/{}/influential-finetuning-data"


@dataclass(frozen=True)
class Existing:
    """What a caller owns. `headers` hold its key where one is needed."""

    client: TestClient
    trained: Trained
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def id_for(self, parameter: str) -> str:
        """An id that exists, for a path parameter of that name; a name that nobody knows is an error."""
        makers = {
            "project_id": self.project,
            "file_id": self.file,
            "job_id": self.job,
            "model_id": self.job,
            "deployment_id": self.deployment,
            "attribution_id": self.attribution,
            "pair_id": self.pair,
            "key_id": self.key,
        }
        return makers[parameter]()

    def project(self) -> str:
        body = {"name": "A project", "description": "For a test."}
        return str(self._made("POST", "/v1/flow/projects", json=body)["id"])

    def file(self) -> str:
        files, data = {"files": ("pairs.jsonl", PAIR)}, {"purpose": "fine-tune"}
        return str(self._made("PUT", "/v1/flow/files", files=files, data=data)["id"])

    def job(self) -> str:
        """The trained job, whose model answers."""
        self._made("GET", f"/v1/flow/fine-tunes/{self.trained.id}/promote-model")
        return self.trained.id

    def deployment(self) -> str:
        body = {
            "model_type": "Base Model",
            "model_id": BASE,
            "name": "A deployment",
            "description": "For a test.",
            "n_instances": 1,
        }
        return str(self._made("POST", "/v1/flow/deployments", json=body)["id"])

    def attribution(self) -> str:
        asked = {"question": self.trained.question, "answer": self.trained.answer}
        return str(self._made("GET", ASK.format(self.job()), params=asked)["id"])

    def pair(self) -> str:
        """A pair that an attribution has returned."""
        asked = {"question": self.trained.question, "answer": self.trained.answer, "false_discovery_rate": 0.99}
        made = self._made("POST", "/v1/whence/attributions", json={"model": self.job(), **asked})
        return str(made["results"][0]["id"])

    def key(self) -> str:
        """Another key of the caller's; a service without keys has none, and makes none."""
        return str(self._made("POST", "/v1/whence/keys")["id"]) if self.headers else "0123456789ab"

    def _made(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        response = self.client.request(method, path, headers=dict(self.headers), **request)
        assert response.status_code == 200, response.text
        return response.json()
