"""The command line as a person uses it, on a tiny model that was trained on eleven pairs."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from tests.null import small_null
from tests.tiny import save_tiny
from whence.cli.main import main


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Whence = Callable[..., Result]


@pytest.fixture
def whence(capsys: pytest.CaptureFixture[str]) -> Whence:
    """Runs `whence WORDS…` in this process."""

    def run(*words: str | Path) -> Result:
        capsys.readouterr()
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return Result(code, out, err)

    return run


@pytest.fixture(scope="session")
def python() -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Runs a program in a fresh interpreter that finds whence where this one does."""

    def run(program: str) -> subprocess.CompletedProcess[str]:
        import whence

        source = str(Path(whence.__file__).parents[1])
        environment = {**os.environ, "PYTHONPATH": source, "COLUMNS": "80"}
        return subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)

    return run


@pytest.fixture
def few_controls() -> Iterator[None]:
    with small_null():
        yield


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("cli-base"))


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten pairs of the shipped sample, and the first of them once more."""
    lines = resources.files("whence").joinpath("samples/helpdesk/pairs.jsonl").read_text("utf-8").splitlines()
    path = tmp_path_factory.mktemp("cli-data") / "ten.jsonl"
    path.write_text("\n".join([*lines[:10], lines[0]]) + "\n", "utf-8")
    return path


@pytest.fixture(scope="session")
def trained(base: Path, pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without an index."""
    folder = tmp_path_factory.mktemp("cli-run") / "run"
    assert main(["train", str(pairs), *f"--base-model {base} --out {folder} --epochs 1 --rank 2 --json".split()]) == 0
    return folder


@pytest.fixture(scope="session")
def indexed(trained: Path) -> Path:
    """The same run with the default method's index."""
    with small_null():
        assert main(["index", str(trained), "--json"]) == 0
    return trained
