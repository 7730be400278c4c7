from __future__ import annotations

import pytest

from core.web_addresses import UrlInvalid
from narration.source_urls import LoginOnlyLink, source_url


@pytest.mark.parametrize(
    ("sent", "known_as"),
    [
        ("https://site.example/p/one", "https://site.example/p/one"),
        ("https://site.example/p/one#part-2", "https://site.example/p/one"),
        ("https://site.example/p?utm_source=x&utm_medium=y", "https://site.example/p"),
        ("https://site.example/p?id=7&utm_source=x&lang=de", "https://site.example/p?id=7&lang=de"),
        ("https://site.example/p?FBCLID=x&gclid=y&mc_cid=z", "https://site.example/p"),
        ("https://site.example/p?q=a%20b+c&b=%C3%A9", "https://site.example/p?q=a%20b+c&b=%C3%A9"),
        ("https://site.example/p?flag&x=", "https://site.example/p?flag&x="),
        ("https://site.example/p?&&", "https://site.example/p"),
        ("https://site.example/p?", "https://site.example/p"),
        ("https://site.example/p?source=press&ref=5", "https://site.example/p?source=press&ref=5"),
        ("https://SITE.example:443/P", "https://site.example/P"),
        (
            "https://open.substack.com/pub/trains/p/the-land?r=1a2b&utm_campaign=post",
            "https://trains.substack.com/p/the-land",
        ),
        ("https://open.substack.com/other", "https://open.substack.com/other"),
    ],
)
def test_keeps_what_finds_the_page_and_drops_the_rest(sent, known_as):
    assert source_url(sent) == known_as


@pytest.mark.parametrize(
    "sent", ["https://substack.com/inbox/post/123", "https://substack.com/home/post/p-1"]
)
def test_explains_a_link_that_needs_a_login(sent):
    with pytest.raises(LoginOnlyLink, match="its own address"):
        source_url(sent)


@pytest.mark.parametrize("sent", ["", "mailto:a@b.example", "http://", "no address"])
def test_refuses_what_is_no_address(sent):
    with pytest.raises(UrlInvalid):
        source_url(sent)
