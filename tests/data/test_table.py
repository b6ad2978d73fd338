import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whence.data import table as table_module
from whence.data.table import ExampleTable, TokenCounts, write_table
from whence.errors import ArtifactError
from whence.types import Example, Message, Tokens

numbers = st.lists(st.integers(-(2**31), 2**31 - 1), max_size=20).map(tuple)
tokens = st.builds(lambda ids: Tokens(ids, ids), numbers)
text = st.text(st.characters(exclude_categories=("Cs",)))
messages = st.lists(st.builds(Message, st.sampled_from(["user", "assistant"]), st.text(st.characters())), min_size=1)
examples = st.builds(
    Example, text, text, text, st.integers(1, 2**40), st.integers(0, 99), messages.map(tuple), st.none()
)


def example(i: int, length: int = 3) -> tuple[Example, Tokens]:
    ids = tuple(range(i, i + length))
    return Example(f"id{i}", "f", "a.jsonl", i + 1, 0, (Message("assistant", str(i)),)), Tokens(ids, ids)


@given(st.lists(st.tuples(examples, tokens), max_size=12), st.integers(1, 5))
@settings(max_examples=60)
def test_what_is_written_is_read(pairs: list[tuple[Example, Tokens]], rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(table_module, "BATCH_ROWS", rows)
        path = Path(folder) / "examples.arrow"
        assert write_table(path, iter(pairs)) == len(pairs)
        table = ExampleTable.open(path)
        assert len(table) == len(pairs)
        assert list(table) == [e for e, _ in pairs]
        assert [table.tokens(i) for i in range(len(table))] == [t for _, t in pairs]
        assert table.ids() == [e.id for e, _ in pairs]
        assert table.lengths.tolist() == [len(t.input_ids) for _, t in pairs]
        assert table.lengths.dtype == np.int32
        counts = table.token_counts([e.id for e, _ in pairs[::2]] + ["nobody"])
        assert counts == {
            e.id: TokenCounts(len(t.labels), t.answer_length) for e, t in pairs if e.id in {e.id for e, _ in pairs[::2]}
        }


def test_a_pretokenised_example_comes_back_with_its_tokens(tmp_path: Path) -> None:
    given = Tokens((1, 2), (-100, 2))
    row = Example("id", "f", "a", 1, 0, (), given)
    write_table(tmp_path / "t", [(row, given)])
    assert ExampleTable.open(tmp_path / "t")[0] == row


def test_positions_count_from_either_end_and_end_there(tmp_path: Path) -> None:
    write_table(tmp_path / "t", map(example, range(2_500)))
    table = ExampleTable.open(tmp_path / "t")
    assert [table[i].line for i in (0, 999, 1_000, 2_499, -1, np.int64(1_500))] == [
        1,
        1000,
        1001,
        2500,
        2500,
        1501,
    ]
    assert table.tokens(-2_500) == example(0)[1]
    for i in (2_500, -2_501):
        with pytest.raises(IndexError, match="2500 examples"):
            table[i]


def test_batches_are_cut_by_tokens_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_module, "BATCH_TOKENS", 10)
    write_table(tmp_path / "t", (example(i, 7) for i in range(6)))
    assert ExampleTable.open(tmp_path / "t").lengths.tolist() == [7] * 6


@pytest.mark.parametrize("content", [None, b"", b"not a table", "cut"])
def test_a_damaged_table_is_refused(tmp_path: Path, content: bytes | str | None) -> None:
    path = tmp_path / "t"
    if content == "cut":
        write_table(path, map(example, range(100)))
        content = path.read_bytes()[:3_000]
    if isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(ArtifactError, match="whole table"):
        ExampleTable.open(path)


def test_a_stream_with_other_columns_is_refused(tmp_path: Path) -> None:
    import pyarrow as pa

    path, batch = tmp_path / "t", pa.record_batch({"a": [1]})
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, batch.schema) as writer:
        writer.write_batch(batch)
    with pytest.raises(ArtifactError, match="columns"):
        ExampleTable.open(path)
