import subprocess
import sys
from pathlib import Path

import pytest

from whence import settings
from whence.models.catalog import CATALOG, folder_of, installed


def test_every_known_model_is_listed_under_its_own_name_with_a_whole_hash():
    for name, known in CATALOG.items():
        assert known.name == name
        assert len(known.sha256) == 64
        assert known.member.endswith(".gguf") == (known.kind == "gguf")


def test_a_model_counts_as_installed_once_its_manifest_is_there(home: Path):
    name = "smollm2-135m-instruct"
    assert installed(name) is None
    folder_of(name).mkdir(parents=True)
    assert installed(name) is None
    (folder_of(name) / "manifest.json").write_text("{}")
    assert installed(name) == settings.models() / name


@pytest.mark.parametrize("name", ["", "..", "unheard-of"])
def test_an_unknown_name_is_never_installed(home: Path, name: str):
    assert installed(name) is None


def test_the_catalogue_imports_no_torch():
    code = "import sys, whence.models.catalog; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
