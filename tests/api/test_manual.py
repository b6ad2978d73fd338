"""The reference as a page."""

import re

from fastapi.testclient import TestClient


def test_the_page_names_every_route_and_loads_nothing(client: TestClient) -> None:
    page = client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    for path in client.get("/openapi.json").json()["paths"]:
        assert path in page.text, path
    assert "<script" not in page.text
    assert not re.search(r"(src|href)=\"https?:", page.text)


def test_links_within_the_page_lead_somewhere(client: TestClient) -> None:
    page = client.get("/docs").text
    links = set(re.findall(r'href="#([^"]+)"', page))
    assert len(links) > 5
    assert links <= set(re.findall(r'id="([^"]+)"', page))
