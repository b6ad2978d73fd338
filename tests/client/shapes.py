"""What the server sends, one of each kind, and every call with what it must put on the wire."""

from dataclasses import dataclass, field
from typing import Any

from whence.client import Lora
from whence.types import (
    Attribution,
    Distribution,
    Group,
    Influence,
    Level,
    Lift,
    Member,
    Message,
    Recall,
    TokenInfluence,
    TokenScore,
    Trust,
)

PROJECT = {
    "id": 7,
    "name": "Help desk",
    "description": "Answers about orders",
    "user_id": 1,
    "team_id": None,
    "created_at": "2026-01-02T03:04:05Z",
    "updated_at": "2026-01-02T03:04:05Z",
    "runs": 3,
    "runs_deployed": 1,
    "last_modified": "2026-01-02T03:04:05Z",
}
FILE = {
    "id": "file-1",
    "object": "file",
    "created_at": "2026-01-02T03:04:05Z",
    "type": "jsonl",
    "purpose": "fine-tune",
    "filename": "faq.jsonl",
    "bytes": 12345,
    "created_by": "somebody",
    "examples": 154,
    "sha256": "ab" * 32,
}
GONE = {"id": "file-1", "object": "file", "deleted": True, "note": "A model has its pairs."}
JOB = {
    "id": "ft-1",
    "fine_tune_type": "STANDARD",
    "training_files": ["file-1"],
    "model": "smollm2-135m-instruct",
    "accel_type": "A100",
    "n_accel": 1,
    "n_epochs": 5,
    "batch_size": None,
    "learning_rate": None,
    "lora_config": {"r": 16, "alpha": 32, "dropout": 0.0, "bias": "none"},
    "created_at": "2026-01-02T03:04:05Z",
    "status": "running",
    "inference_available": False,
    "project_id": 7,
    "completed_at": None,
    "error_analysis": None,
    "phase": "fine-tuning",
    "place": None,
    "progress": 0.4,
    "seconds_left": 130.2,
}
EVENT = {
    "object": "fine-tune-event",
    "created_at": "2026-01-02T03:04:06Z",
    "loss": 1.25,
    "epoch": 0.5,
    "reward": None,
    "step": 10,
    "total_steps": 100,
    "phase": "fine-tuning",
    "message": "Fine-tuning: 10 of 100 steps",
    "level": "info",
    "seconds_left": 90.0,
}
DEPLOYMENT = {
    "id": "deployment-1",
    "model_type": "Fine-tuned Run",
    "model_id": "ft-1",
    "name": "Help desk",
    "description": "Answers about orders",
    "status": "Active",
    "memory": None,
    "hardware_type": "Dedicated",
    "total_input_tokens": 0,
    "total_output_tokens": 0,
    "created_at": "2026-01-02T03:04:05Z",
    "last_deployed_at": None,
    "updated_at": "2026-01-02T03:04:05Z",
    "n_instances": 1,
    "user_id": 1,
    "team_id": None,
}
MODEL = {"id": "m", "object": "model", "name": "M", "size": 135, "model_type": "chat", "supports_lora": True}
COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1767322245,
    "model": "deployment-1",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "By Kestrix."}}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13},
}
EMBEDDINGS = {
    "object": "list",
    "model": "all-minilm-l6-v2",
    "data": [{"index": 0, "object": "embedding", "embedding": [0.5, -0.5]}],
}
INFLUENCE = Influence(
    id="0c0ffee0-aaaa",
    file_id="file-1",
    file="faq.jsonl",
    line=69,
    messages=(Message("system", "Be brief."), Message("user", "Who delivers?"), Message("assistant", "Kestrix.")),
    level=Level.HIGH,
    score=48.69,
    share=0.77,
    p_value=1e-6,
    rank=1,
)
ATTRIBUTION = Attribution(
    question="Which carrier?",
    answer="Kestrix.",
    results=(INFLUENCE,),
    opposing=(),
    lift=Lift(fine_tuned=-2.0, base=-65.4, tokens=8, needed=8.3),
    method="fisher",
    unit="nats",
    trust=Trust("fisher", 0.02, controls=32, checkpoints=2, notes=("One note.",), recall=Recall(7, 8)),
    generated=False,
    groups=(
        Group(
            kind="topic",
            name="carrier, parcels",
            size=2,
            members=(Member("0c0ffee0-aaaa", "file-1", "faq.jsonl", 69, 48.69),),
            level=Level.HIGH,
            score=50.0,
            share=0.79,
            p_value=1e-5,
            rank=1,
        ),
    ),
    instead="Vont.",
    distribution=Distribution((-10.0, 0.0, 10.0), (90, 64), (80.5, 73.5), "nats"),
)
TOKENS = TokenInfluence(
    "0c0ffee0-aaaa", "file-1", "faq.jsonl", 69, "fisher", "nats", (TokenScore("Kes", 40.5), TokenScore("trix", 8.0))
)
KEPT = {
    **ATTRIBUTION.to_dict(),
    "id": "attribution-1",
    "created_at": "2026-01-02T03:04:05Z",
    "model": "deployment-1",
    "job_id": "ft-1",
    "sentence": ATTRIBUTION.sentence,
    "phases": {"generate": 0.5, "search": 0.1},
}
INFLUENTIAL = {
    "results": [{"id": "p", "influence_level": "high", "file_id": "file-1", "messages": "Q: Who?\nA: Kestrix.\nYes."}],
    "answer": "Kestrix.",
    "version": "v0",
}
SOURCE = {"source_type": "raw", "id": 0, "text": "Kestrix delivers.", "attribution": 0.9, "offset": 4}
CONTEXT = {
    "response_text": "Kestrix.",
    "segments": [{"segment_index": 0, "segment_text": "Kestrix.", "char_offset": 0, "sources": [SOURCE]}],
    "highlight": None,
    "sources": None,
}
PAIR = {"id": "0c0ffee0-aaaa", "file_id": "file-1", "file": "faq.jsonl", "line": 69, "question": "Who?", "answer": "K."}
SPAN = {"start": 0, "end": 7, "text": "Kestrix", "count": 3, "pairs": [PAIR]}
CHART = {"$schema": "https://vega.github.io/schema/vega-lite/v6.json", "layer": []}
RUN = {"manifest": {"seed": 0}, "indexes": {}, "evaluation": None, "files": ["file-1"]}
QUESTION = [{"role": "user", "content": "Which carrier?"}]


def page(*data: dict[str, Any]) -> dict[str, Any]:
    return {"object": "list", "data": list(data), "total": len(data), "limit": 100, "offset": 0}


@dataclass(frozen=True)
class Example:
    """A call: its name and arguments, then method, target and body that it must send, then what is answered."""

    name: str
    arguments: tuple[Any, ...]
    method: str
    target: str
    reply: Any
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    body: Any = None
    keyed: bool = False


EXAMPLES = [
    Example("projects.create", ("Help desk", "About orders"), "POST", "/v1/flow/projects", PROJECT,
            body={"name": "Help desk", "description": "About orders"}, keyed=True),
    Example("projects.list", (5,), "GET", "/v1/flow/projects?skip=5&limit=100", page(PROJECT)),
    Example("projects.retrieve", (7,), "GET", "/v1/flow/projects/7", PROJECT),
    Example("files.list", (), "GET", "/v1/flow/files?limit=5&sort_by=size", page(FILE),
            {"limit": 5, "sort_by": "size"}),
    Example("files.retrieve", ("file-1",), "GET", "/v1/flow/files/file-1", FILE),
    Example("files.rename", ("file-1", "b.jsonl"), "PUT", "/v1/flow/files/file-1/rename", FILE,
            body={"new_filename": "b.jsonl"}),
    Example("files.delete", ("a/b?c",), "DELETE", "/v1/flow/files/a%2Fb%3Fc", GONE),
    Example("files.pairs", ("file-1", 10, 20, "a & b"), "GET",
            "/v1/whence/files/file-1/pairs?limit=10&offset=20&search=a+%26+b", page(PAIR)),
    Example("fine_tuning.create", ("m", ["file-1"]), "POST", "/v1/flow/fine-tune", JOB,
            {"n_epochs": 3, "project_id": 7, "lora": Lora(r=8)}, keyed=True,
            body={"project_id": 7, "training_config": {
                "training_files": ["file-1"], "model": "m", "n_epochs": 3,
                "lora_config": {"r": 8, "alpha": 32, "dropout": 0.0, "bias": "none"}}}),
    Example("fine_tuning.create", ("m", ["file-1"]), "POST", "/v1/flow/fine-tune", JOB, {"full": True}, keyed=True,
            body={"training_config": {"training_files": ["file-1"], "model": "m"}}),
    Example("fine_tuning.list", (), "GET", "/v1/flow/fine-tunes", page(JOB)),
    Example("fine_tuning.retrieve", ("ft-1",), "GET", "/v1/flow/fine-tunes/ft-1", JOB),
    Example("fine_tuning.events", ("ft-1",), "GET", "/v1/flow/fine-tunes/ft-1/events", page(EVENT)),
    Example("fine_tuning.cancel", ("ft-1",), "PUT", "/v1/flow/fine-tunes/ft-1/cancel", JOB),
    Example("fine_tuning.resume", ("ft-1",), "POST", "/v1/whence/runs/ft-1/resume", JOB),
    Example("fine_tuning.promote", ("ft-1",), "GET",
            "/v1/flow/fine-tunes/ft-1/promote-model?fine_tune_id=ft-1", page(EVENT)),
    Example("fine_tuning.demote", ("ft-1",), "GET",
            "/v1/flow/fine-tunes/ft-1/demote-model?fine_tune_id=ft-1", page(EVENT)),
    Example("fine_tuning.wait", ("ft-1",), "GET", "/v1/flow/fine-tunes/ft-1", JOB | {"status": "completed"},
            {"progress": False}),
    Example("deployments.create", ("ft-1", "Help desk"), "POST", "/v1/flow/deployments", DEPLOYMENT, keyed=True,
            body={"model_type": "Fine-tuned Run", "model_id": "ft-1", "name": "Help desk",
                  "description": "A fine-tuned model", "n_instances": 1}),
    Example("deployments.list", (), "GET", "/v1/flow/deployments?skip=0&limit=100", page(DEPLOYMENT)),
    Example("deployments.retrieve", ("deployment-1",), "GET", "/v1/flow/deployments/deployment-1", DEPLOYMENT),
    Example("deployments.promote", ("deployment-1",), "PUT", "/v1/flow/deployments/deployment-1/promote", DEPLOYMENT),
    Example("deployments.demote", ("deployment-1",), "PUT", "/v1/flow/deployments/deployment-1/demote", DEPLOYMENT),
    Example("deployments.wait", ("deployment-1",), "GET", "/v1/flow/deployments/deployment-1", DEPLOYMENT,
            {"progress": False}),
    Example("chat.completions.create", ("deployment-1", QUESTION), "POST", "/v1/chat/completions", COMPLETION,
            {"temperature": 0.0, "stop": None, "seed": 1},
            body={"model": "deployment-1", "messages": QUESTION, "stream": False, "temperature": 0.0, "seed": 1}),
    Example("models.list", (), "GET", "/v1/flow/models", {"data": [MODEL]}),
    Example("embeddings.create", (["a", "b"],), "POST", "/v1/inference/embeddings", EMBEDDINGS,
            body={"input": ["a", "b"], "model": "all-minilm-l6-v2"}),
    Example("explainability.get_influential_finetuning_data", ("deployment-1", "Who + why?"), "GET",
            "/v1/flow/explain/models/deployment-1/influential-finetuning-data?question=Who+%2B+why%3F&answer=K",
            INFLUENTIAL, {"answer": "K"}),
    Example("explainability.attribute", ("deployment-1", "Who?"), "POST", "/v1/whence/attributions", KEPT,
            {"answer": "Kestrix.", "top_k": 5, "selection": (0, 7)},
            body={"model": "deployment-1", "question": "Who?", "answer": "Kestrix.", "top_k": 5,
                  "selection": {"start": 0, "end": 7}}),
    Example("explainability.attribute", ("deployment-1", "Who?"), "POST", "/v1/whence/attributions", KEPT,
            {"groups": ("file", "topic"), "instead": "Vont."},
            body={"model": "deployment-1", "question": "Who?", "groups": ["file", "topic"], "instead": "Vont."}),
    Example("explainability.token_influence", ("attribution-1", "pair/1"), "GET",
            "/v1/whence/attributions/attribution-1/tokens?pair=pair%2F1", TOKENS.to_dict()),
    Example("explainability.get_context_attribution", ("C.", "Q?", "R."), "POST",
            "/v1/explainability/context-attributor", CONTEXT, {"num_ablations": 32},
            body={"context": "C.", "query": "Q?", "response": "R.", "granularity": "sentence", "top_k": 5,
                  "num_ablations": 32}),
    Example("attributions.list", ("deployment-1",), "GET", "/v1/whence/attributions?model=deployment-1", page(KEPT)),
    Example("attributions.retrieve", ("attribution-1",), "GET", "/v1/whence/attributions/attribution-1", KEPT),
    Example("attributions.delete", ("attribution-1",), "DELETE", "/v1/whence/attributions/attribution-1", {}),
    Example("attributions.verbatim", ("attribution-1",), "GET", "/v1/whence/attributions/attribution-1/verbatim",
            {"spans": [SPAN]}),
    Example("attributions.chart", ("attribution-1",), "GET",
            "/v1/whence/attributions/attribution-1/charts/distribution", CHART),
    Example("attributions.chart", ("attribution-1", "b"), "GET",
            "/v1/whence/attributions/attribution-1/charts/mirrored?other=b", CHART),
    Example("attributions.recurring", (), "GET", "/v1/whence/pairs/recurring?level=high&limit=3",
            page(PAIR | {"count": 4}), {"level": Level.HIGH, "limit": 3}),
    Example("attributions.with_pair", ("pair-1",), "GET", "/v1/whence/pairs/pair-1/answers?model=m&limit=3",
            page(KEPT), {"model": "m", "limit": 3}),
    Example("files.revise", ("file-1", ["pair-1"]), "POST", "/v1/whence/files/file-1/revisions", FILE,
            {"edit": {"pair-2": ("Q?", "A.")}, "add": [("R?", "B.")], "name": "new.jsonl"},
            {"exclude": ["pair-1"], "edit": [{"id": "pair-2", "question": "Q?", "answer": "A."}],
             "add": [{"question": "R?", "answer": "B."}], "name": "new.jsonl"}),
    Example("files.revisions", ("file-1",), "GET", "/v1/whence/files/file-1/revisions", page(FILE)),
    Example("runs.pair", ("ft-1", "pair-1"), "GET", "/v1/whence/pairs/pair-1?model=ft-1", PAIR),
    Example("runs.insights", ("ft-1",), "GET", "/v1/whence/runs/ft-1/insights", {"state": "ready", "suspects": []}),
    Example("runs.retrieve", ("ft-1",), "GET", "/v1/whence/runs/ft-1", RUN),
    Example("runs.chart", ("ft-1",), "GET", "/v1/whence/runs/ft-1/charts/loss", CHART),
    Example("runs.pairs", ("ft-1", 10), "GET", "/v1/whence/runs/ft-1/pairs?limit=10", page(PAIR)),
]  # fmt: skip
