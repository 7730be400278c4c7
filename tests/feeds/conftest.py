"""Fixtures of the feed's tests: an own folder for kept files, and the parsed document."""

from __future__ import annotations

import pytest
from lxml import etree

from tests.production.conftest import fake_options, shared_renderers

__all__ = ["fake_options", "shared_renderers"]

NAMES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "podcast": "https://podcastindex.org/namespace/1.0",
    "psc": "http://podlove.org/simple-chapters",
}


@pytest.fixture(autouse=True)
def data_dir(tmp_path, settings):
    settings.DATA_DIR = tmp_path
    return tmp_path


class Document:
    """A feed document and its answers to XPath questions."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.root = etree.fromstring(content)

    def texts(self, path):
        return [
            found if isinstance(found, str) else found.text
            for found in self.root.xpath(path, namespaces=NAMES)
        ]

    def text(self, path):
        (found,) = self.texts(path)
        return found


@pytest.fixture
def read_feed(client):
    """The document at a feed's address, or at that of a show."""

    def read(show_or_path) -> Document:
        path = getattr(show_or_path, "pk", None)
        path = f"/api/shows/{path}/feed" if path else show_or_path
        response = client.get(path)
        assert response.status_code == 200
        return Document(response.content)

    return read
