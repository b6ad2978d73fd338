import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from whence.core.packing import LARGEST, STEP, join, pack, packed_bytes, packed_products, unpack


def normal(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=30)
@given(st.integers(1, 5), st.integers(1, 4), st.integers(1, 20), st.floats(-15, 15), st.integers(0, 99))
def test_each_number_is_off_by_half_a_step_or_cut_at_seven(rows: int, blocks: int, half: int, power: float, seed: int):
    values = normal(seed, rows, 2 * half * blocks) * 10.0**power
    packed = pack(values, blocks)
    assert packed.shape == (rows, packed_bytes(values.shape[1], blocks))
    parts = values.view(rows, blocks, -1)
    step = STEP * parts.square().mean(2, keepdim=True).sqrt()
    wanted = parts.clamp(-LARGEST * step, LARGEST * step)
    assert bool(((unpack(packed, blocks).view_as(parts) - wanted).abs() <= 0.501 * step).all())


def test_a_row_of_zeros_stays_one():
    assert torch.equal(unpack(pack(torch.zeros(2, 4), 2), 2), torch.zeros(2, 4))


@pytest.mark.parametrize(("width", "blocks"), [(9, 1), (8, 3), (6, 2), (4, 0)])
def test_blocks_that_do_not_fit_are_refused(width: int, blocks: int):
    with pytest.raises(ValueError, match=f"width of {width} must divide"):
        pack(torch.ones(1, width), blocks)


@pytest.mark.parametrize("rows", [0, 1, 2000])
def test_products_with_packed_rows_are_those_with_the_unpacked(rows: int):
    queries, packed = normal(0, 3, 1200), pack(normal(1, rows, 1200) * torch.logspace(-9, 9, 1200), 4)
    exact = queries.double() @ unpack(packed, 4).double().T
    error = (packed_products(queries, packed, 4) - exact).abs().amax(0) / unpack(packed, 4).norm(dim=1).clamp(min=1)
    assert not error.numel() or float(error.max()) < 1e-4


def test_packing_errs_less_than_a_sketch_of_the_width():
    query, rows = normal(1, 1, 16000), normal(2, 200, 16000)
    error = (packed_products(query, pack(rows, 4), 4) - query @ rows.T) / (query.norm() * rows.norm(dim=1))
    assert float(error.std()) < 0.2 / 16000**0.5  # a sketch of width w is off by about 1 / sqrt(w)


def test_rows_joined_of_their_packed_blocks_are_the_rows_packed_whole():
    rows = normal(3, 7, 24)
    parts = [pack(part.contiguous(), 1) for part in rows.chunk(3, dim=1)]
    assert torch.equal(join(parts), pack(rows, 3))
