"""`whence score`."""

from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Whence
from whence.cli.score import save


def test_scores_and_ids_are_written(whence: Whence, indexed: Path, pairs: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "scores.npz"
    result = whence("score", indexed, pairs, "--out", out, "--json")
    assert result.json == {"out": str(out), "queries": 11, "train": 11, "method": "fisher", "unit": "nats"}
    with np.load(out, allow_pickle=False) as written:
        assert written["scores"].dtype == np.float32
        assert written["scores"].shape == (11, 11)
        # The queries are the training pairs themselves: the same file, so the same ids.
        assert written["train_ids"].tolist() == written["query_ids"].tolist()
    assert [path.name for path in out.parent.iterdir()] == ["scores.npz"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "scores.npz"
    save(path, scores=np.zeros(1))
    old = path.read_bytes()

    def fail(*args: object, **kwargs: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(OSError, match="disk full"):
        save(path, scores=np.ones(1))
    assert path.read_bytes() == old
