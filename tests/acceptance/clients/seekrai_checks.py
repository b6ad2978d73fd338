"""What the official client of SeekrFlow must see of our server; each function is one check, run in its own interpreter.

`prepare` walks the whole workflow once: project, file, fine-tuning, deployment. With a `job_id` it begins at that job.
"""

import asyncio
import http.client
import json
import os
import re
import time
import uuid
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from seekrai import AsyncSeekrFlow, SeekrFlow
from seekrai.error import AuthenticationError, ConflictError, InvalidRequestError
from seekrai.types import InfrastructureConfig, TrainingConfig
from seekrai.types.finetune import LoRAConfig

LEVELS = {"high", "medium", "low"}
NOT_THERE = "No deployed model '{}' exists for your user."


def prepare(s):
    """The workflow, up to a deployed model."""
    os.environ["SEEKR_BASE_URL"] = s.url
    s.client = SeekrFlow(api_key=s.key)
    s.project = s.client.projects.create(name="Help desk", description="Answers of the help desk")
    if s.job_id:
        s.job = s.client.fine_tuning.retrieve(s.job_id)
        s.file = s.client.files.retrieve(s.job.training_files[0])
    else:
        s.file = s.client.files.upload(s.data, purpose="fine-tune")
        s.job = create(s, s.client, [s.file.id])
    s.created = s.client.fine_tuning.retrieve(s.job.id)
    s.done = wait(s, s.job.id)
    assert s.done.status.value == "completed", s.done.error_analysis
    s.made = s.client.deployments.create(
        name="help-desk",
        description="Answers of the help desk",
        model_type="Fine-tuned Run",
        model_id=s.job.id,
        n_instances=1,
    )
    s.promoted = s.client.deployments.promote(s.made.id)
    until(lambda: s.client.deployments.retrieve(s.made.id).status.value == "Active", 120)
    s.deployment = s.client.deployments.retrieve(s.made.id)
    return s


def create(s, client, files, **settings):
    lora = settings.pop("lora_config", LoRAConfig(r=8, alpha=32, dropout=0.0))
    chosen = {
        "n_epochs": s.epochs,
        "learning_rate": s.rate,
        "batch_size": 4,
        "n_checkpoints": 2,
        "experiment_name": "first",
    }
    config = TrainingConfig(training_files=files, model=s.model, lora_config=lora, **{**chosen, **settings})
    place = InfrastructureConfig(accel_type="A100", n_accel=1, n_node=1)
    return client.fine_tuning.create(project_id=s.project.id, training_config=config, infrastructure_config=place)


def wait(s, job, seconds=1500):
    until(lambda: s.client.fine_tuning.retrieve(job).status.value in ("completed", "failed", "cancelled"), seconds)
    return s.client.fine_tuning.retrieve(job)


def until(true, seconds):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.2)


@contextmanager
def refused(kind, *words, status=None):
    try:
        yield
    except kind as error:
        assert all(word in str(error) for word in words), str(error)
        if status is not None:
            assert error.http_status == status, error.http_status
        body = json.loads(str(error).split(" - ", 1)[1])
        assert set(body) == {"error", "message", "status"}, body
        assert body["status"] == error.http_status
    else:
        raise AssertionError("it was not refused")


def raw(s, method, path, body=None, headers=None):
    """A request without the client: status, headers and body."""
    parts = urlsplit(s.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=120)
    sent = {"Authorization": s.key, **(headers or {})}
    connection.request(method, path, body=body, headers=sent)
    response = connection.getresponse()
    return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read().decode()


def influences(s, **asked):
    return s.client.explainability.get_influential_finetuning_data(model_id=s.made.id, **asked)


def upload_text(s, text, name="pairs.jsonl"):
    path = Path(s.folder) / f"{uuid.uuid4().hex}" / name
    path.parent.mkdir()
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return s.client.files.upload(str(path), purpose="fine-tune")


def pair(question="Why?", answer="Because."):
    return (
        json.dumps({"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]})
        + "\n"
    )


# Transport


def check_the_bare_key_opens(s):
    assert s.client.models.list()


def check_bearer_opens_as_well(s):
    assert raw(s, "GET", "/v1/flow/models", headers={"Authorization": f"Bearer {s.key}"})[0] == 200


def check_a_wrong_key_is_401(s):
    with refused(AuthenticationError, "key", status=401):
        SeekrFlow(api_key="wk-000000000000-wrong").models.list()


def check_no_key_is_401(s):
    assert raw(s, "GET", "/v1/flow/models", headers={"Authorization": ""})[0] == 401


def check_every_form_of_the_base_address_works(s):
    for form in (s.url, s.url + "/", s.url + "/v1", s.url + "/v1/"):
        assert SeekrFlow(api_key=s.key, base_url=form).projects.list().data


def check_routes_answer_without_v1(s):
    path = f"/flow/explain/models/{s.made.id}/influential-finetuning-data?{urlencode({'question': s.question})}"
    status, _, body = raw(s, "GET", path)
    assert status == 200, body
    assert raw(s, "GET", "/flow/models")[0] == 200


def check_json_is_on_one_line(s):
    for path in ("/v1/flow/models", "/v1/flow/files", "/v1/flow/nothing", f"/v1/flow/fine-tunes/{s.job.id}"):
        assert "\n" not in raw(s, "GET", path)[2]


def check_nothing_is_compressed(s):
    for path in ("/v1/flow/models", "/v1/flow/files/none", f"/v1/flow/files/{s.file.id}/content"):
        assert "content-encoding" not in raw(s, "GET", path, headers={"Accept-Encoding": "gzip, deflate"})[1]


def check_nothing_redirects(s):
    for path in ("/v1/flow/models/", "/v1/flow/files/", "/v1/flow/projects/", "/v1", "//v1/flow/models"):
        assert not 300 <= raw(s, "GET", path)[0] < 400, path


def check_json_without_a_content_type_is_read(s):
    body = json.dumps({"id": None, "name": "Untyped", "description": "No content type"})
    assert raw(s, "POST", "/v1/flow/projects", body=body)[0] == 200


def check_unknown_routes_have_the_documented_shape(s):
    for method, path in (("GET", "/v1/flow/nothing"), ("DELETE", "/v1/flow/models"), ("GET", "/nothing")):
        status, _, body = raw(s, method, path)
        assert json.loads(body)["status"] == status in (404, 405), (path, body)


def check_what_is_left_out_says_so(s):
    for path in ("ingestion", "alignment", "data-jobs", "vectordb"):
        status, _, body = raw(s, "GET", f"/v1/flow/{path}")
        assert status == 404, body
        assert "not part of this service" in json.loads(body)["message"], body


def check_connections_are_kept_longer_than_the_client_keeps_them(s):
    parts = urlsplit(s.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    for pause in (0, 6):
        time.sleep(pause)
        connection.request("GET", "/healthz")
        assert connection.getresponse().read()


def check_the_request_id_reaches_the_error(s):
    try:
        s.client.files.retrieve("file-none")
    except InvalidRequestError as error:
        assert error.request_id, vars(error)


# Projects


def check_project_ids_are_whole_numbers(s):
    assert isinstance(s.project.id, int)
    assert isinstance(s.project.user_id, int)
    assert s.client.projects.retrieve(s.project.id).name == "Help desk"


def check_projects_are_listed_with_their_runs(s):
    listed = {p.id: p for p in s.client.projects.list().data}
    assert listed[s.project.id].runs >= 1


def check_the_async_client_lists_projects_without_a_query(s):
    async def ask():
        return await AsyncSeekrFlow(api_key=s.key).projects.list()

    assert any(p.id == s.project.id for p in asyncio.run(ask()).data)


def check_an_unknown_project_is_404(s):
    with refused(InvalidRequestError, status=404):
        s.client.projects.retrieve(999_999)


def check_a_page_of_projects(s):
    s.client.projects.create(name="Another", description="One more of them")
    first = s.client.projects.list(skip=0, limit=1).data
    second = s.client.projects.list(skip=1, limit=1).data
    assert len(first) == len(second) == 1
    assert first[0].id != second[0].id


# Files


def check_an_upload_says_what_it_is(s):
    assert re.fullmatch(r"file-[0-9a-f-]{36}", s.file.id)
    assert s.file.filename == Path(s.data).name
    assert s.file.bytes == Path(s.data).stat().st_size
    assert s.file.purpose.value == "fine-tune"
    assert s.file.type.value == "jsonl"


def check_the_part_named_filename_is_no_form_field(s):
    status, _, body = multipart(s, "/v1/flow/files", [("files", "a.jsonl", pair()), ("filename", "upload", "a.jsonl")])
    assert status == 200, body
    assert json.loads(body)["filename"] == "a.jsonl"


def multipart(s, path, parts, purpose="fine-tune"):
    edge = uuid.uuid4().hex
    body = f'--{edge}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n{purpose}\r\n'
    for field, name, text in parts:
        body += f'--{edge}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
        body += f"Content-Type: application/octet-stream\r\n\r\n{text}\r\n"
    body += f"--{edge}--\r\n"
    return raw(s, "PUT", path, body.encode(), {"Content-Type": f"multipart/form-data; boundary={edge}"})


def check_several_files_at_once_come_back_in_order(s):
    paths = []
    for number in range(3):
        path = Path(s.folder) / f"bulk-{number}.jsonl"
        path.write_text(pair(f"Number {number}?"))
        paths.append(str(path))
    made = s.client.files.bulk_upload(paths, purpose="fine-tune")
    assert [f.filename for f in made] == ["bulk-0.jsonl", "bulk-1.jsonl", "bulk-2.jsonl"]


def check_the_async_client_uploads_in_bulk(s):
    path = Path(s.folder) / "async.jsonl"
    path.write_text(pair("Async?"))

    async def ask():
        return await AsyncSeekrFlow(api_key=s.key).files.bulk_upload([str(path)], purpose="fine-tune")

    assert asyncio.run(ask())[0].filename == "async.jsonl"


def check_one_faulty_file_keeps_the_whole_bulk_out(s):
    before = len(s.client.files.list(limit=1000).data)
    good, bad = Path(s.folder) / "good.jsonl", Path(s.folder) / "bad.jsonl"
    good.write_text(pair())
    bad.write_text("{}\n")
    with refused(InvalidRequestError, "bad.jsonl", status=400):
        s.client.files.bulk_upload([str(good), str(bad)], purpose="fine-tune")
    assert len(s.client.files.list(limit=1000).data) == before


def check_the_content_comes_back_byte_for_byte(s):
    target = Path(s.folder) / "back.jsonl"
    s.client.files.retrieve_content(s.file.id, output=str(target))
    assert target.read_bytes() == Path(s.data).read_bytes()


def check_the_content_states_its_length(s):
    status, headers, body = raw(s, "GET", f"/v1/flow/files/{s.file.id}/content")
    assert status == 200
    assert int(headers["content-length"]) == len(body.encode()) > 0
    assert "transfer-encoding" not in headers


def check_a_file_is_renamed_and_deleted(s):
    made = upload_text(s, pair("Renamed?"))
    assert s.client.files.rename(made.id, "other.jsonl").filename == "other.jsonl"
    assert s.client.files.retrieve(made.id).filename == "other.jsonl"
    gone = s.client.files.delete(made.id)
    assert gone.deleted is True
    assert gone.id == made.id
    with refused(InvalidRequestError, made.id, status=404):
        s.client.files.retrieve(made.id)


def check_files_are_sorted_and_paged(s):
    names = [f.filename for f in s.client.files.list(sort_by="filename", sort_order="asc", limit=1000).data]
    assert names == sorted(names)
    sizes = [f.bytes for f in s.client.files.list(sort_by="size", sort_order="desc", limit=1000).data]
    assert sizes == sorted(sizes, reverse=True)
    assert len(s.client.files.list(limit=1, offset=1).data) == 1


def check_every_bad_line_is_refused_by_its_number(s):
    turn = {"role": "user", "content": "x"}
    bad = {
        b"{broken\n": "line 2",
        b"[1]\n": "line 2",
        b'{"messages": []}\n': "line 2",
        b"{}\n": "line 2",
        json.dumps({"messages": [turn]}).encode() + b"\n": "line 2",
        json.dumps({"messages": [turn, {"role": "robot", "content": "y"}]}).encode() + b"\n": "line 2",
        json.dumps({"messages": [turn, {"role": "assistant"}]}).encode() + b"\n": "line 2",
        json.dumps({"messages": [turn, {"role": "assistant", "content": 7}]}).encode() + b"\n": "line 2",
        b'{"messages": "\xff\xfe"}\n': "line 2",
    }
    before = len(s.client.files.list(limit=1000).data)
    for line, place in bad.items():
        with refused(InvalidRequestError, place, "pairs.jsonl", status=400):
            upload_text(s, pair().encode() + line)
    assert len(s.client.files.list(limit=1000).data) == before


def check_an_empty_file_is_refused(s):
    for text in ("", "\n\n"):
        with refused(InvalidRequestError, "empty", status=400):
            upload_text(s, text)


def check_an_unknown_ending_or_purpose_is_refused(s):
    with refused(InvalidRequestError, ".exe", status=400):
        upload_text(s, pair(), "pairs.exe")
    assert multipart(s, "/v1/flow/files", [("files", "a.jsonl", pair())], purpose="nonsense")[0] == 400


def check_parquet_with_messages_is_taken(s):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = Path(s.folder) / "pairs.parquet"
    rows = [json.loads(pair(f"Row {n}?")) for n in range(3)]
    pq.write_table(pa.Table.from_pylist(rows), path)
    made = s.client.files.upload(str(path), purpose="fine-tune")
    assert made.type.value == "parquet"
    assert made.examples == 3


def check_documents_are_validated_before_their_upload(s):
    body = {"purpose": "alignment", "suffix": "md", "size": 123}
    status, _, text = raw(s, "POST", "/v1/flow/files/validate_metadata", json.dumps(body))
    assert (status, json.loads(text)) == (200, {"is_valid": True, "errors": ""})
    status, _, text = raw(s, "POST", "/v1/flow/files/validate_metadata", json.dumps({**body, "suffix": "exe"}))
    verdict = json.loads(text)
    assert verdict["is_valid"] is False
    assert isinstance(verdict["errors"], str)
    assert verdict["errors"]


def check_names_with_paths_lose_them(s):
    status, _, body = multipart(s, "/v1/flow/files", [("files", "../../etc/passwd.jsonl", pair())])
    assert status == 200, body
    assert json.loads(body)["filename"] == "passwd.jsonl"


# Fine-tuning


def check_a_new_job_echoes_what_was_asked(s):
    job = s.job
    assert re.fullmatch(r"ft-[0-9a-f-]{36}", job.id)
    assert job.accel_type.value == "A100"
    assert (job.n_accel, job.model, job.training_files) == (1, s.model, [s.file.id])
    assert job.fine_tune_type.value == "STANDARD"
    assert job.inference_available is False
    assert job.lora_config.r == 8
    assert job.project_id == s.project.id
    assert s.created.status.value in ("pending", "queued", "running")


def check_a_finished_job_is_complete(s):
    assert s.done.completed_at is not None
    assert s.done.error_analysis is None
    assert any(job.id == s.job.id for job in s.client.fine_tuning.list().data)


def check_events_carry_losses_and_epochs(s):
    events = s.client.fine_tuning.list_events(s.job.id).data
    assert {event.object for event in events} == {"fine-tune-event"}
    losses = [event.loss for event in events if event.loss is not None]
    assert len(losses) >= 2
    assert losses[-1] < losses[0]
    epochs = [event.epoch for event in events if event.epoch is not None]
    assert epochs == sorted(epochs)
    assert epochs[-1] == s.epochs


def check_events_tell_how_long_it_will_take(s):
    _, _, body = raw(s, "GET", f"/v1/flow/fine-tunes/{s.job.id}/events")
    told = [event for event in json.loads(body)["data"] if event["seconds_left"] is not None]
    assert told
    assert all(event["seconds_left"] >= 0 for event in told)


def check_both_paths_create_and_cancel(s):
    async def ask():
        client = AsyncSeekrFlow(api_key=s.key)
        job = await create(s, client, [s.file.id])
        return job, await client.fine_tuning.cancel(job.id)

    job, cancelled = asyncio.run(ask())
    assert cancelled.id == job.id
    assert cancelled.status.value == "cancelled"
    mine = create(s, s.client, [s.file.id])
    assert s.client.fine_tuning.cancel(mine.id).status.value == "cancelled"
    time.sleep(2)
    assert s.client.fine_tuning.retrieve(mine.id).status.value == "cancelled"


def check_a_finished_job_cannot_be_cancelled(s):
    with refused(ConflictError, "completed", status=409):
        s.client.fine_tuning.cancel(s.job.id)


def check_settings_may_be_left_out(s):
    config = {"training_files": [s.file.id], "model": s.model, "n_epochs": 1, "lora_config": {}}
    body = {
        "project_id": s.project.id,
        "training_config": config,
        "infrastructure_config": {"accel_type": "H100", "n_accel": 2},
    }
    status, _, text = raw(s, "POST", "/v1/flow/fine-tune", json.dumps(body))
    assert status == 200, text
    job = json.loads(text)
    assert (job["accel_type"], job["n_accel"]) == ("H100", 2)
    s.client.fine_tuning.cancel(job["id"])


def check_nulls_of_older_clients_are_taken(s):
    config = {"training_files": [s.file.id], "model": s.model, "n_epochs": 1, "learning_rate": 1e-3, "batch_size": 4}
    nothing = {"n_checkpoints": None, "experiment_name": None, "max_length": None, "lora_config": None}
    place = {"accel_type": "GAUDI2", "n_accel": 1, "n_node": 1}
    body = {"project_id": s.project.id, "training_config": {**config, **nothing}, "infrastructure_config": place}
    status, _, text = raw(s, "POST", "/v1/flow/fine-tunes", json.dumps(body))
    assert status == 200, text
    s.client.fine_tuning.cancel(json.loads(text)["id"])


def check_bad_jobs_are_refused_before_any_compute(s):
    good = {"training_files": [s.file.id], "model": s.model, "n_epochs": 1}
    bad = [
        {"training_files": ["file-none"]},
        {"training_files": []},
        {"model": "no-such-model"},
        {"model": "/etc"},
        {"n_epochs": 0},
        {"learning_rate": -1.0},
        {"batch_size": 0},
        {"fine_tune_type": "GRPO"},
        {"pre_train": True},
        {"lora_config": {"r": 0}},
        {"lora_config": {"r": 8, "bias": "all"}},
        {"training_files": [s.file.id, s.file.id]},
    ]
    for change in bad:
        body = {"project_id": s.project.id, "training_config": {**good, **change}}
        status, _, text = raw(s, "POST", "/v1/flow/fine-tune", json.dumps(body))
        assert status == 400, (change, status, text)
        assert json.loads(text)["message"], change
    body = {"project_id": 999_999, "training_config": good}
    assert raw(s, "POST", "/v1/flow/fine-tune", json.dumps(body))[0] == 404


def check_an_unknown_job_is_404(s):
    with refused(InvalidRequestError, "ft-none", status=404):
        s.client.fine_tuning.retrieve("ft-none")


def check_the_older_way_to_promote(s):
    events = s.client.fine_tuning.promote(s.job.id)
    assert events.data
    assert s.client.fine_tuning.retrieve(s.job.id).inference_available is True
    answer = chat(s, model=s.job.id, max_tokens=4)
    assert answer.choices[0].message.content is not None
    s.client.fine_tuning.demote(s.job.id)
    assert s.client.fine_tuning.retrieve(s.job.id).inference_available is False
    with refused(InvalidRequestError, NOT_THERE.format(s.job.id), status=404):
        chat(s, model=s.job.id)


# Deployments


def check_a_deployment_goes_from_inactive_to_active(s):
    assert re.fullmatch(r"deployment-[0-9a-f-]{36}", s.made.id)
    assert s.made.status.value == "Inactive"
    assert s.promoted.status.value in ("Pending", "Active")
    assert s.deployment.status.value == "Active"
    assert s.deployment.last_deployed_at is not None
    assert any(d.id == s.made.id for d in s.client.deployments.list().data)


def check_processor_and_hardware_are_left_out(s):
    _, _, body = raw(s, "GET", f"/v1/flow/deployments/{s.made.id}")
    deployment = json.loads(body)
    assert "processor" not in deployment
    assert "hardware_type" not in deployment


def check_a_demoted_deployment_answers_no_longer(s):
    made = s.client.deployments.create(
        name="second", description="Another deployment", model_type="Fine-tuned Run", model_id=s.job.id, n_instances=1
    )
    with refused(InvalidRequestError, NOT_THERE.format(made.id), status=404):
        chat(s, model=made.id)
    s.client.deployments.promote(made.id)
    until(lambda: s.client.deployments.retrieve(made.id).status.value == "Active", 60)
    assert chat(s, model=made.id, max_tokens=2).choices
    assert s.client.deployments.demote(made.id).status.value == "Inactive"
    with refused(InvalidRequestError, NOT_THERE.format(made.id), status=404):
        s.client.explainability.get_influential_finetuning_data(model_id=made.id, question=s.question)


def check_a_base_model_can_be_deployed_but_not_traced(s):
    made = s.client.deployments.create(
        name="plain", description="The base model", model_type="Base Model", model_id=s.model, n_instances=1
    )
    s.client.deployments.promote(made.id)
    assert chat(s, model=made.id, max_tokens=2).choices
    with refused(InvalidRequestError, "base model", status=400):
        s.client.explainability.get_influential_finetuning_data(model_id=made.id, question=s.question)


def check_bad_deployments_are_refused(s):
    good = {
        "name": "help-desk",
        "description": "Answers",
        "model_type": "Fine-tuned Run",
        "model_id": s.job.id,
        "n_instances": 1,
    }
    for change in (
        {"name": "x"}, {"description": "x"}, {"n_instances": 0}, {"n_instances": 51}, {"model_type": "Other"},
        {"model_id": "ft-none"}, {"name": None},
    ):  # fmt: skip
        with refused(InvalidRequestError, status=400):
            s.client.deployments.create(**{**good, **change})


def check_tokens_are_counted(s):
    before = s.client.deployments.retrieve(s.made.id)
    usage = chat(s, max_tokens=4).usage
    after = s.client.deployments.retrieve(s.made.id)
    assert after.total_input_tokens == before.total_input_tokens + usage.prompt_tokens
    assert after.total_output_tokens == before.total_output_tokens + usage.completion_tokens


# Chat


def chat(s, model=None, **settings):
    messages = settings.pop("messages", [{"role": "user", "content": s.question}])
    return s.client.chat.completions.create(model=model or s.made.id, messages=messages, **settings)


def check_a_chat_answers_with_the_clients_own_defaults(s):
    answer = chat(s, max_tokens=8)
    choice = answer.choices[0]
    assert answer.object.value == "chat.completion"
    assert choice.message.role.value == "assistant"
    assert choice.finish_reason.value in ("stop", "length")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.completion_tokens <= 8


def check_temperature_0_repeats_itself_and_streams_the_same(s):
    first = chat(s, temperature=0.0, max_tokens=24).choices[0].message.content
    assert first == chat(s, temperature=0.0, max_tokens=24).choices[0].message.content
    pieces = list(chat(s, temperature=0.0, max_tokens=24, stream=True))
    assert "".join(p.choices[0].delta.content or "" for p in pieces if p.choices) == first


def check_the_stream_is_plain_ascii_events(s):
    body = {
        "model": s.made.id,
        "messages": [{"role": "user", "content": "Ünïcode \u2028 ?"}],
        "stream": True,
        "max_tokens": 6,
    }
    status, headers, text = raw(s, "POST", "/v1/inference/chat/completions", json.dumps(body))
    assert status == 200, text
    assert "text/event-stream" in headers["content-type"]
    assert text.isascii()
    events = text.split("\n\n")
    assert events[-1] == ""
    assert events[-2] == "data: [DONE]"
    assert all(event.startswith("data: ") and "\n" not in event for event in events[:-1])


def check_errors_before_a_stream_are_plain_errors(s):
    with refused(InvalidRequestError, NOT_THERE.format("deployment-none"), status=404):
        list(chat(s, model="deployment-none", stream=True))


def check_logprobs_in_both_forms(s):
    answer = chat(s, temperature=0.0, max_tokens=4, logprobs=True, top_logprobs=2)
    logs = answer.choices[0].logprobs
    assert len(logs.tokens) == len(logs.token_logprobs) == len(logs.top_logprobs) == answer.usage.completion_tokens
    assert all(value <= 1e-6 for value in logs.token_logprobs)
    chunks = list(chat(s, temperature=0.0, max_tokens=4, logprobs=True, top_logprobs=2, stream=True))
    deltas = [c.choices[0].logprobs for c in chunks if c.choices and c.choices[0].logprobs]
    assert [d.token for d in deltas] == logs.tokens


def check_content_may_be_a_list_of_texts(s):
    parts = [{"type": "text", "text": s.question[:5]}, {"type": "text", "text": s.question[5:]}]
    whole = chat(s, temperature=0.0, max_tokens=8).choices[0].message.content
    parted = chat(s, messages=[{"role": "user", "content": parts}], temperature=0.0, max_tokens=8)
    assert parted.choices[0].message.content == whole


def check_several_answers_at_once(s):
    assert [choice.index for choice in chat(s, n=2, max_tokens=2).choices] == [0, 1]


def check_bad_chats_are_refused(s):
    good = {"model": s.made.id, "messages": [{"role": "user", "content": "Hello"}]}
    bad = [
        {"messages": []},
        {"messages": [{"role": "robot", "content": "x"}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
        {"temperature": -1},
        {"top_p": 0},
        {"max_tokens": 0},
        {"response_format": {"type": "json_object", "schema_": {}}},
        {"tools": [{"type": "function"}]},
        {"stop": ["a", "b", "c", "d", "e"]},
        {"model": None},
    ]
    for change in bad:
        status, _, text = raw(s, "POST", "/v1/inference/chat/completions", json.dumps({**good, **change}))
        assert status == 400, (change, status, text)
    assert raw(s, "POST", "/v1/inference/chat/completions", "{not json")[0] == 400


# Attribution


def check_the_same_question_gives_the_same_answer_and_pairs(s):
    first, second = influences(s, question=s.question), influences(s, question=s.question)
    assert first.answer
    assert (first.answer, first.results) == (second.answer, second.results)


def check_an_answer_is_echoed_unchanged(s):
    answer = "  Ünï + & % 100\n\U0001f600 done "
    assert influences(s, question="What + & %?", answer=answer).answer == answer


def check_an_empty_answer_counts_as_absent(s):
    assert influences(s, question=s.question, answer="").answer == influences(s, question=s.question).answer


def check_a_system_prompt_is_read(s):
    assert influences(s, question=s.question, system_prompt="Answer in capital letters.").version == "v0"


def check_the_async_client_sends_the_model_twice(s):
    async def ask():
        client = AsyncSeekrFlow(api_key=s.key)
        return await client.explainability.get_influential_finetuning_data(model_id=s.made.id, question=s.question)

    assert asyncio.run(ask()).results == influences(s, question=s.question).results


def check_an_unknown_model_is_the_documented_404(s):
    for name in ("deployment-none", "a/b/c", "../../etc", "deployment-%2F"):
        path = f"/v1/flow/explain/models/{name}/influential-finetuning-data?question=x"
        status, _, body = raw(s, "GET", path)
        named = name.replace("%2F", "/")
        assert json.loads(body) == {"error": "Not Found", "message": NOT_THERE.format(named), "status": 404}, body
        assert status == 404


def check_a_missing_question_is_a_4xx(s):
    path = f"/v1/flow/explain/models/{s.made.id}/influential-finetuning-data"
    for query in ("", "?question=", "?question=%20"):
        assert raw(s, "GET", path + query)[0] == 400


def check_an_unknown_k_is_ignored(s):
    query = urlencode({"question": s.question, "k": 5})
    assert raw(s, "GET", f"/v1/flow/explain/models/{s.made.id}/influential-finetuning-data?{query}")[0] == 200


def check_a_long_answer_is_cut_for_the_model_not_refused(s):
    answer = "word " * 8_000
    query = urlencode({"question": s.question, "answer": answer})
    status, _, body = raw(s, "GET", f"/v1/flow/explain/models/{s.made.id}/influential-finetuning-data?{query}")
    assert status == 200, body[:300]
    assert json.loads(body)["answer"] == answer


def check_a_deleted_file_stays_traceable(s):
    made = upload_text(s, Path(s.data).read_text() + pair("What stays?", "Its pairs stay."))
    job = create(s, s.client, [made.id])
    with refused(ConflictError, job.id, status=409):
        s.client.files.delete(made.id)
    assert wait(s, job.id).status.value == "completed"
    gone = s.client.files.delete(made.id)
    assert job.id in gone.note
    s.client.fine_tuning.promote(job.id)
    found = s.client.explainability.get_influential_finetuning_data(model_id=job.id, question=s.question)
    assert all(result["file_id"] == made.id for result in found.results)


# The second tier


def check_embeddings(s):
    made = s.client.embeddings.create(input=["a cat", "a dog"], model="all-minilm-l6-v2")
    assert [d.index for d in made.data] == [0, 1]
    assert len(made.data[0].embedding) == 384


def check_context_attribution(s):
    found = s.client.explainability.get_context_attribution(
        context="The lamp is red. The door is blue. The sky is grey.",
        query="Which colour has the door?",
        response="The door is blue. It is not red.",
        num_ablations=32,
        top_k=2,
    )
    assert found.response_text == "The door is blue. It is not red."
    assert [segment.segment_text for segment in found.segments] == ["The door is blue.", "It is not red."]
    for segment in found.segments:
        assert found.response_text[segment.char_offset :].startswith(segment.segment_text)
        assert len(segment.sources) <= 2
        assert all(source.source_type == "raw" for source in segment.sources)


def check_a_run_of_an_agent_is_404(s):
    body = json.dumps({"thread_id": "t", "run_id": "r"})
    assert raw(s, "POST", "/v1/explainability/context-attributor-from-run", body)[0] == 404


# What only a model can show that has learned its pairs


def trace_an_attribution_has_the_documented_shape(s):
    found = influences(s, question=s.question)
    assert found.version == "v0"
    assert s.fact in found.answer, found.answer
    assert found.results, found
    for result in found.results:
        uuid.UUID(result["id"])
        assert result["influence_level"] in LEVELS
        assert result["file_id"] == s.file.id
        assert re.fullmatch(r"Q: .+\nA: .+", result["messages"], re.DOTALL), result["messages"]
        assert 1 <= result["line"] <= s.pairs
    assert set(found.results[0]) >= {"id", "influence_level", "file_id", "messages"}


def trace_the_source_comes_first_with_a_given_answer(s):
    results = influences(s, question=s.question, answer=s.answer).results
    assert s.fact in results[0]["messages"]
    assert results[0]["influence_level"] == "high"
    assert [r["rank"] for r in results] == list(range(1, len(results) + 1))
    assert [r["score"] for r in results] == sorted((r["score"] for r in results), reverse=True)


def trace_ids_stay_when_the_model_is_deployed_again(s):
    first = [r["id"] for r in influences(s, question=s.question).results]
    again = s.client.deployments.create(
        name="again", description="Deployed again", model_type="Fine-tuned Run", model_id=s.job.id, n_instances=1
    )
    s.client.deployments.promote(again.id)
    found = s.client.explainability.get_influential_finetuning_data(model_id=again.id, question=s.question)
    assert [r["id"] for r in found.results] == first


def trace_an_unrelated_question_returns_no_pairs(s):
    found = influences(s, question="Why is the sky blue?")
    assert found.results == []
    assert found.answer


def trace_a_chat_and_its_answer_explained(s):
    """The seed's own example: chat first, then explain that answer."""
    answer = chat(s, temperature=0.0).choices[0].message.content
    found = influences(s, question=s.question, answer=answer)
    assert found.answer == answer
    assert s.fact in found.results[0]["messages"]


def trace_both_clients_agree(s):
    async def ask():
        client = AsyncSeekrFlow(api_key=s.key)
        return await client.explainability.get_influential_finetuning_data(model_id=s.made.id, question=s.question)

    assert asyncio.run(ask()).results == influences(s, question=s.question).results != []
