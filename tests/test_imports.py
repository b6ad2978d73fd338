"""No two modules import each other, directly or through others: imports inside functions included."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import whence

ROOT = Path(whence.__file__).parent


def modules() -> dict[str, Path]:
    """Every module of the package by its name."""
    paths = {path: ".".join(("whence", *path.relative_to(ROOT).with_suffix("").parts)) for path in ROOT.rglob("*.py")}
    return {name.removesuffix(".__init__"): path for path, name in paths.items()}


def imports(node: ast.AST, known: set[str]) -> Iterator[str]:
    """The modules that a tree imports, without what only a type checker reads."""
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in known)
    elif isinstance(node, ast.ImportFrom) and node.module in known:
        for alias in node.names:
            inner = f"{node.module}.{alias.name}"
            yield inner if inner in known else node.module
    for child in ast.iter_child_nodes(node):
        yield from imports(child, known)


def circle(graph: dict[str, set[str]]) -> list[str]:
    """The modules of a circle, none if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_no_module_imports_itself_through_others():
    known = modules()
    graph = {name: {*imports(ast.parse(path.read_text("utf-8")), set(known))} for name, path in known.items()}
    assert len(graph) > 300
    assert circle(graph) == []


def test_a_circle_inside_functions_is_found():
    known = {"a", "b"}
    trees = {"a": "def f():\n    import b\n", "b": "from a import f\n", "c": "if TYPE_CHECKING:\n    import a\n"}
    graph = {name: {*imports(ast.parse(text), known)} for name, text in trees.items()}
    assert set(circle(graph)) == {"a", "b"}
    assert graph["c"] == set()
