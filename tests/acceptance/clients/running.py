"""Runs the functions of one kind (`check_…`, `trace_…`) of a module and says how each ended.

    python running.py CHECKS.py CONTEXT.json

It imports nothing but the standard library: the client lives in an environment of its own.
"""

import importlib.util
import json
import sys
import traceback
from pathlib import Path
from types import SimpleNamespace
from typing import Any


def main() -> None:
    sys.path.insert(0, str(Path(sys.argv[1]).parent))
    spec = importlib.util.spec_from_file_location("checks", sys.argv[1])
    assert spec
    assert spec.loader
    checks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(checks)
    context = SimpleNamespace(**json.loads(Path(sys.argv[2]).read_text("utf-8")))
    prepared = checks.prepare(context)
    names = [name for name in vars(checks) if name.startswith(context.kind)]
    print(json.dumps({name: outcome(getattr(checks, name), prepared) for name in names}))


def outcome(check: Any, prepared: Any) -> str | None:
    """What went wrong in a check, None if nothing did."""
    try:
        check(prepared)
    except BaseException:
        return traceback.format_exc()
    return None


if __name__ == "__main__":
    main()
