from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from whence.methods.rows import begin, describe, open_rows, search, write_rows
from whence.store.shards import Shards
from whence.types import Progress, silent

TABLE = torch.randn(10, 6, generator=torch.Generator().manual_seed(0))


def embed(span: range) -> Tensor:
    return TABLE[span.start : span.stop]


def test_rows_are_cut_into_shards_and_reported_as_they_are_written(tmp_path: Path) -> None:
    told: list[Progress] = []
    write_rows(Shards(tmp_path, 10, 6, 4), embed, "gradients", told.append)
    assert [(p.done, p.total) for p in told] == [(0, 10), (4, 10), (8, 10), (10, 10)]
    assert sorted(p.name for p in tmp_path.glob("*.bf16")) == [f"rows-0000{i}.bf16" for i in range(3)]


def test_rows_that_are_there_are_not_made_again(tmp_path: Path) -> None:
    shards, asked = Shards(tmp_path, 10, 6, 4), list[range]()

    def noted(span: range) -> Tensor:
        asked.append(span)
        return embed(span)

    write_rows(shards, noted, "gradients", silent)
    shards.path(1).unlink()
    write_rows(shards, noted, "gradients", silent)
    assert asked == [range(4), range(4, 8), range(8, 10), range(4, 8)]


def test_rows_that_an_unfinished_build_cut_up_otherwise_are_made_again(tmp_path: Path) -> None:
    # With 5 a shard, shard 2 of 12 rows holds rows 10 and 11; with 2 a shard it has the same size, for rows 4 and 5.
    def ones(span: range) -> Tensor:
        return torch.tensor([[float(i)] for i in span])

    write_rows(Shards(tmp_path, 12, 1, 5), ones, "gradients", silent)
    shards = Shards(tmp_path, 12, 1, 2)
    write_rows(shards, ones, "gradients", silent)
    assert torch.cat(list(shards)).flatten().tolist() == list(range(12))


def test_a_change_of_cut_removes_every_older_shard(tmp_path: Path) -> None:
    write_rows(Shards(tmp_path, 10, 6, 1), embed, "gradients", silent)
    begin(Shards(tmp_path, 10, 6, 5))
    assert not list(tmp_path.glob("*.bf16"))


def test_rows_are_opened_as_they_were_described(tmp_path: Path) -> None:
    shards = Shards(tmp_path, 10, 6, 4)
    write_rows(shards, embed, "gradients", silent)
    assert describe(shards) == {
        "rows": 10,
        "width": 6,
        "rows_per_shard": 4,
        "name": "rows",
        "blocks": 0,
        "dtype": "bfloat16",
        "bytes_per_row": 12,
    }
    assert open_rows(tmp_path) == shards


@pytest.mark.parametrize("queries", [0, 1, 3])
def test_search_gives_every_inner_product_as_float32(tmp_path: Path, queries: int) -> None:
    shards = Shards(tmp_path, 10, 6, 4)
    write_rows(shards, embed, "gradients", silent)
    asked = torch.ones(queries, 6)
    found = search(open_rows(tmp_path), asked)
    assert found.dtype == np.float32
    wanted = [[float(sum(row)) for row in TABLE.bfloat16().double()] for _ in range(queries)]
    np.testing.assert_allclose(found, np.array(wanted).reshape(queries, 10), rtol=1e-5, atol=1e-5)
