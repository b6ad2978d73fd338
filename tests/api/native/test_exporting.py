"""Attributions as one file: the same in each format."""

import csv
import io
import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pyarrow import parquet

from tests.platform.attributions import keep, pair, result
from whence.api.exporting import BATCH, SCHEMA, cell
from whence.types import Level

ROOT = "/v1/whence/attributions"


def exported(client: TestClient, form: str, **query: str) -> bytes:
    response = client.get(f"{ROOT}/export", params={"format": form, **query})
    assert response.status_code == 200, response.text
    assert response.headers["content-disposition"] == f'attachment; filename="attributions.{form}"'
    return response.content


def table(client: TestClient, **query: str) -> list[dict[str, Any]]:
    read: Any = parquet
    return read.read_table(io.BytesIO(exported(client, "parquet", **query))).to_pylist()


def sheet(client: TestClient, **query: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(exported(client, "csv", **query).decode(), newline="")))


@pytest.fixture
def several(fresh: TestClient) -> TestClient:
    """A service with more attributions than are in memory at a time; every third has no pairs."""
    with fresh.app.state.service.database.session() as session:
        for n in range(BATCH + 20):
            pairs = [pair(n), pair(n + 1, Level.LOW, 0.1, 'A "comma",\nand a line')][: n % 3]
            keep(session, result(*pairs, question=f"{n}?", total=-1.5), model="even" if n % 2 == 0 else "odd")
    return fresh


def test_a_line_of_jsonl_is_an_attribution_as_it_is_retrieved(several: TestClient):
    lines = [json.loads(line) for line in exported(several, "jsonl").splitlines()]
    assert [line["question"] for line in lines] == [f"{n}?" for n in range(BATCH + 19, -1, -1)]
    for line in lines[::40]:
        assert several.get(f"{ROOT}/{line['id']}").json() == line


def test_a_row_of_parquet_is_a_returned_pair_with_its_attribution(several: TestClient):
    lines = [json.loads(line) for line in exported(several, "jsonl").splitlines()]
    expected = [(line["id"], one["id"], one["score"]) for line in lines for one in line["results"]]
    rows = table(several)
    assert [(row["attribution_id"], row["pair_id"], row["score"]) for row in rows] == expected
    assert list(rows[0]) == SCHEMA.names
    first = rows[0]
    assert (first["lift_total"], first["lift_needed"], first["false_discovery_rate"]) == (-1.5, 3.0, 0.02)
    assert (first["model"], first["generated"], first["system_prompt"]) == ("odd", False, None)
    assert first["messages"].startswith("Q: Who?\nA: Ant")


def test_csv_has_the_same_rows(several: TestClient):
    rows = sheet(several)
    assert [{k: v for k, v in row.items() if k != "answer"} for row in rows] == [
        {name: "" if value is None else str(cell(value)) for name, value in row.items() if name != "answer"}
        for row in table(several)
    ]


def test_an_export_can_be_of_one_model(several: TestClient):
    assert {row["model"] for row in table(several, model="odd")} == {"odd"}
    assert len(sheet(several, model="odd")) == len(table(several, model="odd"))
    assert len(exported(several, "jsonl", model="odd").splitlines()) == BATCH // 2 + 10


def test_no_text_of_csv_is_a_formula_and_numbers_stay_numbers(several: TestClient):
    row = sheet(several)[0]
    assert row["answer"] == "'=Ant."
    assert row["lift_total"] == "-1.5"
    assert table(several)[0]["answer"] == "=Ant."


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_text_that_begins_like_a_formula_is_led_by_an_apostrophe(text: str):
    assert cell(text) == f"'{text}"
    assert cell(f" {text}") == f" {text}"


def test_without_attributions_the_files_are_empty_but_sound(fresh: TestClient):
    assert exported(fresh, "jsonl") == b""
    assert exported(fresh, "csv").decode() == ",".join(SCHEMA.names) + "\r\n"
    assert table(fresh) == []


def test_another_format_is_refused(fresh: TestClient):
    response = fresh.get(f"{ROOT}/export", params={"format": "xlsx"})
    assert response.status_code == 400
    assert "format: " in response.json()["message"]
