from pathlib import Path

import pytest

from whence.widget import built

SCRIPT = "export default { render({ model, el }) { el.textContent = model.get('attribution').answer } };"


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A widget's JavaScript and style, though not the ones that web/ makes: a checkout need not have been built."""
    folder = tmp_path / "static"
    folder.mkdir()
    (folder / built.SCRIPT).write_text(SCRIPT, "utf-8")
    (folder / built.STYLE).write_text(".whence{}", "utf-8")
    monkeypatch.setattr(built, "FOLDER", folder)
    return folder
