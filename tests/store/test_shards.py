import math
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from whence.core.packing import pack, unpack
from whence.errors import ArtifactError
from whence.store.shards import Shards


def rows_of(count: int, width: int = 3) -> torch.Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(0))


def written(folder: Path, rows: torch.Tensor, size: int, name: str = "rows") -> Shards:
    shards = Shards(folder, rows.shape[0], rows.shape[1], size, name)
    for shard in range(shards.count):
        shards.write(shard, rows[shards.span(shard).start : shards.span(shard).stop])
    return shards


@settings(max_examples=30)
@given(st.integers(1, 20), st.integers(1, 5), st.integers(1, 25))
def test_rows_come_back_rounded_to_bfloat16_whatever_the_shards(
    tmp_path_factory: pytest.TempPathFactory, count: int, width: int, size: int
):
    rows = rows_of(count, width)
    shards = written(tmp_path_factory.mktemp("shards"), rows, size)
    assert torch.equal(torch.cat(list(shards)), rows.bfloat16())
    assert [i for shard in range(shards.count) for i in shards.span(shard)] == list(range(count))
    assert len(list(shards.folder.iterdir())) == shards.count


def test_an_opened_shard_is_mapped_not_read(tmp_path: Path):
    shards = written(tmp_path, rows_of(4), 4)
    opened = shards.open(0)
    assert opened.dtype == torch.bfloat16
    assert opened.shape == (4, 3)
    with shards.path(0).open("r+b") as file:
        file.write(torch.ones(12, dtype=torch.bfloat16).view(torch.uint8).numpy().tobytes())
    assert torch.equal(opened, torch.ones(4, 3, dtype=torch.bfloat16))


def test_changing_an_opened_shard_leaves_the_file_alone(tmp_path: Path):
    shards = written(tmp_path, rows_of(4), 4)
    before = shards.path(0).read_bytes()
    shards.open(0).zero_()
    assert shards.path(0).read_bytes() == before


def test_no_rows_are_no_shards(tmp_path: Path):
    shards = Shards(tmp_path, 0, 3)
    assert shards.count == 0
    assert list(shards) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 3.4e38])
def test_a_row_that_is_not_finite_is_refused_by_its_number(tmp_path: Path, value: float):
    rows = rows_of(10)
    rows[7, 1] = value
    shards = Shards(tmp_path, 10, 3, 5)
    shards.write(0, rows[:5])
    with pytest.raises(ArtifactError, match="row 7 is not"):
        shards.write(1, rows[5:])
    assert [shards.has(0), shards.has(1)] == [True, False]
    assert list(tmp_path.iterdir()) == [shards.path(0)]


def test_a_shard_that_is_missing_or_cut_short_is_not_there(tmp_path: Path):
    shards = written(tmp_path, rows_of(9), 4)
    shards.path(0).unlink()
    shards.path(1).write_bytes(shards.path(1).read_bytes()[:-1])
    assert [shards.has(shard) for shard in range(3)] == [False, False, True]
    for shard in (0, 1):
        with pytest.raises(ArtifactError, match=f"{shards.path(shard).name} is missing or damaged"):
            shards.open(shard)


def test_a_shard_can_be_written_again(tmp_path: Path):
    shards = written(tmp_path, rows_of(4), 4)
    shards.write(0, torch.zeros(4, 3))
    assert torch.equal(shards.open(0), torch.zeros(4, 3, dtype=torch.bfloat16))


def test_rows_may_be_a_part_of_something_larger(tmp_path: Path):
    rows = rows_of(6, 8)
    shards = Shards(tmp_path, 6, 3)
    shards.write(0, rows[:, 2:5].requires_grad_(False))
    assert torch.equal(shards.open(0), rows[:, 2:5].bfloat16())


def test_two_kinds_of_rows_share_a_folder_and_are_removed_apart(tmp_path: Path):
    raw, shards = written(tmp_path, rows_of(5), 2, "raw"), written(tmp_path, rows_of(5), 2)
    raw.remove()
    raw.remove()
    assert not any(raw.has(shard) for shard in range(3))
    assert all(shards.has(shard) for shard in range(3))


def test_packed_rows_take_half_a_byte_a_number_and_come_back(tmp_path: Path):
    rows = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))
    shards = Shards(tmp_path, 5, 8, rows_per_shard=2, blocks=2)
    for shard in range(shards.count):
        shards.write(shard, rows[shards.span(shard).start : shards.span(shard).stop])
    assert shards.path(0).stat().st_size == 2 * shards.bytes_per_row == 2 * (4 + 8)
    assert torch.equal(torch.cat([unpack(packed, 2) for packed in shards]), unpack(pack(rows, 2), 2))


def test_packed_rows_that_are_not_finite_are_refused(tmp_path: Path):
    with pytest.raises(ArtifactError, match="row 1 is not"):
        Shards(tmp_path, 2, 2, blocks=1).write(0, torch.tensor([[1.0, 2.0], [math.inf, 0.0]]))


@pytest.mark.parametrize("blocks", [0, 3])
def test_shards_are_joined_of_those_of_their_columns(tmp_path: Path, blocks: int):
    rows = rows_of(5, 12)
    whole = Shards(tmp_path, 5, 12, rows_per_shard=2, blocks=blocks)
    parts = [Shards(tmp_path, 5, 4, rows_per_shard=2, name=f"part{c}", blocks=min(blocks, 1)) for c in range(3)]
    for shard in range(whole.count):
        span = slice(whole.span(shard).start, whole.span(shard).stop)
        for part, columns in zip(parts, rows[span].split(4, dim=1), strict=True):
            part.write(shard, columns)
        whole.write(shard, rows[span])
        wanted = whole.path(shard).read_bytes()
        whole.path(shard).unlink()
        whole.join(shard, parts)
        assert whole.path(shard).read_bytes() == wanted
