"""The README's file tree has one line for every module, and no line for one that is gone."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_file_tree_names_every_module_once():
    tree = (ROOT / "README.md").read_text("utf-8").split("## Where things are")[1].split("```")[1]
    named = re.findall(r"^\s+([\w.]+\.(?:py|jsonl))\s", tree, re.MULTILINE)
    folders = (ROOT / "src" / "whence", ROOT / "benchmarks")
    modules = [path for folder in folders for path in folder.rglob("*.py")]
    there = [p.name for p in modules if p.name != "__init__.py" or p.parent.name == "whence"]
    there += [p.name for p in (ROOT / "src" / "whence").rglob("*.jsonl") if "samples" not in p.parts]
    assert sorted(named) == sorted(there)


def test_every_environment_variable_is_documented():
    read = set(re.findall(r'"(WHENCE_\w+)"', (ROOT / "src" / "whence" / "settings.py").read_text("utf-8")))
    documented = (ROOT / "docs" / "settings.md").read_text("utf-8")
    assert read
    assert all(name in documented for name in read)
