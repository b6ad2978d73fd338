import json

from hypothesis import given
from hypothesis import strategies as st

from whence.data.report import Tally, Twins
from whence.errors import Fault
from whence.types import Example, Message, Tokens


def example(text: str, line: int, file: str = "a.jsonl") -> Example:
    return Example("id", "f", file, line, 0, (Message("user", "q"), Message("assistant", text)))


@given(st.lists(st.sampled_from("abcde")))
def test_twins_are_grouped_in_the_order_of_the_data(texts: list[str]) -> None:
    twins = Twins()
    for line, text in enumerate(texts, 1):
        twins.add(example(text, line))
    lines = {text: [i for i, other in enumerate(texts, 1) if other == text] for text in texts}
    expected = [tuple(("a.jsonl", i) for i in group) for group in lines.values() if len(group) > 1]
    assert list(twins.groups()) == expected


def test_the_first_twenty_faults_are_kept_and_all_are_counted() -> None:
    tally = Tally()
    for line in range(1, 31):
        tally.fault(Fault("a.jsonl", line, "a rule", "", "A fix."))
    report = tally.report(tokenised=False)
    assert (len(report.faults), report.fault_count, report.valid) == (20, 30, False)
    assert report.tokens is None


def test_the_report_is_json() -> None:
    tally = Tally()
    for line in (1, 2):
        tally.example(example("x", line), Tokens((1, 2, 3), (-100, 2, 3)))
    report = json.loads(json.dumps(tally.report(tokenised=True).to_dict()))
    assert report["tokens"] == {"total": 6, "longest": 3, "mean": 3.0, "answers": 4}
    assert report["duplicates"] == [[{"file": "a.jsonl", "line": 1}, {"file": "a.jsonl", "line": 2}]]
    assert report["valid"] is True
