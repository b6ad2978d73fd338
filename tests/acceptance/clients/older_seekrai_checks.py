"""What clients of earlier versions must see, back to the first that had attribution."""

import os
from pathlib import Path
from types import SimpleNamespace


def prepare(s: SimpleNamespace) -> SimpleNamespace:
    """A client for the address with `/v1`, as these versions need it, and one without."""
    os.environ["SEEKR_BASE_URL"] = f"{s.url}/v1"
    from seekrai import SeekrFlow

    s.client = SeekrFlow(api_key=s.key, base_url=f"{s.url}/v1")
    s.rootless = SeekrFlow(api_key=s.key, base_url=s.url)
    active = [d for d in s.client.deployments.list().data if d.status.value == "Active"]
    assert active
    s.model = next(d.id for d in active if d.name == "help-desk" and s.job_id in (None, d.model_id))
    return s


def check_files_go_up_and_come_back(s: SimpleNamespace) -> None:
    made = s.client.files.upload(s.data, purpose="fine-tune")
    target = Path(s.folder) / "older.jsonl"
    s.client.files.retrieve_content(made.id, output=str(target))
    assert target.read_bytes() == Path(s.data).read_bytes()
    assert s.client.files.retrieve(made.id).filename == Path(s.data).name


def check_jobs_and_events_are_read(s: SimpleNamespace) -> None:
    done = [job for job in s.client.fine_tuning.list().data if job.status.value == "completed"]
    assert done
    assert s.client.fine_tuning.list_events(done[0].id).data


def check_a_chat_is_answered(s: SimpleNamespace) -> None:
    messages = [{"role": "user", "content": s.question}]
    answer = s.client.chat.completions.create(model=s.model, messages=messages, max_tokens=4)
    assert answer.choices[0].message is not None


def check_pairs_are_asked_for(s: SimpleNamespace) -> None:
    for client in (s.client, s.rootless):
        found = client.explainability.get_influential_finetuning_data(
            model_id=s.model, question=s.question, system_prompt=None, answer=s.answer
        )
        assert found.version == "v0"
        assert isinstance(found.results, list)


def trace_pairs_are_returned(s: SimpleNamespace) -> None:
    found = s.client.explainability.get_influential_finetuning_data(
        model_id=s.model, question=s.question, system_prompt=None, answer=s.answer
    )
    assert s.fact in found.results[0]["messages"]
