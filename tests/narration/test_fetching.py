from __future__ import annotations

import ipaddress
from collections.abc import Iterator

import pytest

from core.http import AddressRefused, BadStatus, TooLarge
from narration.diagnosis import ArticleNotFound
from narration.fetching import MAX_PAGE_BYTES, fetch_source
from narration.pages import NotAnArticle, article_from_page
from tests.fakes.web_server import WebServer, answer, redirect
from tests.narration.pages import ARTICLE_BODY, PARAGRAPHS, page


@pytest.fixture
def server(settings) -> Iterator[WebServer]:
    settings.OUTBOUND_ALLOW = (ipaddress.ip_network("127.0.0.0/8"),)
    with WebServer() as running:
        yield running


def fetch_article(url):
    fetched = fetch_source(url)
    return article_from_page(
        fetched.body,
        url=fetched.url,
        content_type=fetched.content_type,
        charset=fetched.charset,
    )


def test_reads_a_page(server):
    server.routes["/p"] = answer(page().encode())

    article = fetch_article(server.url("/p"))

    assert article.title == "The Land That Pays"
    assert [block.text for block in article.document.blocks] == list(PARAGRAPHS)
    assert "text/html" in server.request_headers()["accept"]


def test_follows_redirects_and_tells_where_it_ended(server):
    server.routes["/old"] = redirect("/new")
    server.routes["/new"] = answer(page().encode())

    assert fetch_article(server.url("/old")).url == server.url("/new")


def test_reads_the_encoding_that_the_server_names(server):
    text = "Über die Züge im Tal, die nie zu spät kommen und nach denen man die Uhren stellt. " * 3
    server.routes["/"] = answer(
        page(f"<article><p>{text}</p></article>").replace("utf-8", "").encode("latin-1"),
        content_type="text/html; charset=iso-8859-1",
    )

    assert fetch_article(server.url("/")).document.blocks[0].text == text.strip()


@pytest.mark.parametrize("content_type", ["text/plain", "text/markdown; charset=utf-8", ""])
def test_reads_plain_text(server, content_type):
    text = "# Notes\n\n" + "\n\n".join(PARAGRAPHS)
    server.routes["/"] = answer(text.encode(), content_type=content_type)

    article = fetch_article(server.url("/"))

    assert article.title == "Notes"
    assert len(article.document.blocks) == len(PARAGRAPHS)


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", ""])
def test_recognises_a_page_under_another_name(server, content_type):
    server.routes["/"] = answer(page().encode(), content_type=content_type)

    assert fetch_article(server.url("/")).title == "The Land That Pays"


@pytest.mark.parametrize(
    "content_type", ["application/pdf", "image/jpeg", "application/json", "audio/mpeg", "text/css"]
)
def test_refuses_other_files_by_name(server, content_type):
    server.routes["/"] = answer(b"%PDF-1.7", content_type=content_type)

    with pytest.raises(NotAnArticle, match=content_type):
        fetch_article(server.url("/"))


def test_refuses_binary_data_without_a_type(server):
    server.routes["/"] = answer(b"\x00\x01\x02" * 100, content_type="")

    with pytest.raises(NotAnArticle):
        fetch_article(server.url("/"))


@pytest.mark.parametrize(
    ("status", "hint"), [("404 No", "no such page"), ("403 No", "sign in"), ("500 Oh", "500")]
)
def test_explains_a_refusal(server, status, hint):
    server.routes["/"] = answer(status=status)

    with pytest.raises(BadStatus, match=hint) as refusal:
        fetch_article(server.url("/"))

    assert refusal.value.message.startswith("Could not fetch URL: ")
    assert refusal.value.details["status"] == int(status[:3])


def test_refuses_a_page_that_is_too_large(server):
    server.routes["/"] = b"HTTP/1.1 200 OK\r\nContent-Length: 20000001\r\n\r\n"

    with pytest.raises(TooLarge, match="Content too large: a page may have at most 20 MB"):
        fetch_article(server.url("/"))


def test_reads_a_page_as_large_as_allowed(server):
    picture = f"<img src='data:image/png;base64,{'A' * 1_000_000}'>"
    article = f"<article>{ARTICLE_BODY}{picture * 9}</article>"
    room = MAX_PAGE_BYTES - len(page(f"{article}<script></script>"))
    whole = page(f"{article}<script>{'x' * room}</script>")
    assert len(whole) == MAX_PAGE_BYTES
    server.routes["/p"] = answer(whole.encode())

    blocks = fetch_article(server.url("/p")).document.blocks

    assert [block.text for block in blocks] == list(PARAGRAPHS)


def test_says_that_a_plain_text_is_too_short(server):
    server.routes["/"] = answer(b"Hello.", content_type="text/plain")

    with pytest.raises(ArticleNotFound, match="fewer than 100"):
        fetch_article(server.url("/"))


def test_does_not_call_private_networks(settings):
    settings.OUTBOUND_ALLOW = ()

    with pytest.raises(AddressRefused) as refusal:
        fetch_article("http://127.0.0.1:8000/api/keys")

    assert refusal.value.message.startswith("Could not fetch URL: 127.0.0.1 is in a private")
