"""`import whence` gives the whole public surface at once, and torch only when it is needed."""

import ast
import inspect
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import whence


def test_importing_whence_loads_no_torch(python: Callable[[str], subprocess.CompletedProcess[str]]) -> None:
    program = """
import sys, whence
whence.Attribution, whence.WhenceError, whence.Recipe, whence.__version__
sys.exit(sorted({"torch", "transformers", "numpy", "pyarrow", "rich", "cyclopts"} & set(sys.modules)) or 0)
"""
    done = python(program)
    assert done.returncode == 0, done.stderr


def test_every_public_name_is_there_and_documented() -> None:
    for name in whence.__all__:
        value = getattr(whence, name)
        assert name == "__version__" or inspect.getdoc(value), name
    assert dir(whence) == sorted(whence.__all__)


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(whence.__file__).read_text("utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.asname for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    seen |= {ast.unparse(node.target) for node in block.body if isinstance(node, ast.AnnAssign)}
    assert seen == set(whence.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        _ = whence.nothing
