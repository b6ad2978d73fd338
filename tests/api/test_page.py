"""The page as the API serves it: whole, under any prefix, and with no right to load anything from elsewhere."""

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from whence.api.routes import page

built = pytest.mark.skipif(not (page.FOLDER / "index.html").is_file(), reason="the page was not built: make page")


@built
def test_the_page_needs_nothing_from_elsewhere(client: TestClient):
    response = client.get("/")
    assert response.status_code == 200
    assert "default-src 'self'" in response.headers["content-security-policy"]
    assert "unsafe-eval" not in response.headers["content-security-policy"]
    addresses = re.findall(r'(?:src|href)="([^"]+)"', response.text)
    assert addresses
    assert all(address.startswith("./") for address in addresses), "relative, so that a prefix does no harm"


@built
def test_what_the_page_is_made_of_is_kept_by_browsers_and_compressed(client: TestClient):
    script = next(found for found in re.findall(r'src="\./([^"]+)"', client.get("/").text))
    response = client.get(f"/{script}", headers={"Accept-Encoding": "gzip"})
    assert response.headers["content-encoding"] == "gzip"
    assert "immutable" in response.headers["cache-control"]
    assert response.headers["content-type"].startswith("text/javascript")
    assert "no-cache" in client.get("/").headers["cache-control"]


@built
def test_the_icon_is_there(client: TestClient):
    assert client.get("/icon.svg").headers["content-type"] == "image/svg+xml"


def test_files_outside_the_page_are_not_served(client: TestClient):
    for path in ("/assets/../index.html", "/assets/%2e%2e/%2e%2e/app.py", "/assets/none.js"):
        assert client.get(path).status_code == 404


def test_a_checkout_without_the_page_says_how_to_have_it(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(page, "FOLDER", tmp_path)
    response = client.get("/")
    assert response.status_code == 200
    assert "make demo" in response.text
