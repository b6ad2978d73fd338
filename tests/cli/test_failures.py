"""How errors read, for people and for programs."""

import json

import pytest

from whence.cli.failures import message_of, tell, tell_stopped, wrapped
from whence.errors import DataError, Fault, ModelError


def test_long_messages_are_wrapped_and_lists_stay_lists() -> None:
    text = wrapped("2 faults in the data:\n  " + "word " * 40 + "\n  short")
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "2 faults in the data:"
    assert lines[1].startswith("  word")
    assert lines[2].startswith("    word")
    assert lines[-1] == "  short"


def test_a_path_is_never_broken() -> None:
    path = "/a-long-folder" * 10
    assert path in wrapped(f"Look at {path} please.").splitlines()


def test_json_errors_have_kind_message_and_faults(capsys: pytest.CaptureFixture[str]) -> None:
    fault = Fault("faq.jsonl", 3, "a rule", "a value", "A fix.")
    assert tell(DataError("1 fault in the data:", (fault,)), as_json=True)
    out, err = capsys.readouterr()
    error = json.loads(err)["error"]
    assert (out, error["kind"], error["message"]) == ("", "DataError", "1 fault in the data:")
    assert error["faults"] == [{"file": "faq.jsonl", "line": 3, "rule": "a rule", "value": "a value", "fix": "A fix."}]


def test_stopped_is_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    tell_stopped(as_json=True)
    assert json.loads(capsys.readouterr().err)["error"]["kind"] == "Stopped"


def test_what_users_can_act_on_has_a_message_and_defects_have_none() -> None:
    assert message_of(ModelError("No.")) == "No."
    assert "whence[local]" in str(message_of(ModuleNotFoundError("No module", name="torch.nn")))
    assert message_of(PermissionError(13, "Permission denied", "/x")) == "/x: Permission denied."
    assert message_of(ModuleNotFoundError("No module", name="whence.nothing")) is None
    assert message_of(ValueError("a defect")) is None
