"""A page's picture becomes the episode's, from the page's head to the feed and the MP3's tag."""

from __future__ import annotations

import io
import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from django.utils import timezone
from mutagen.id3 import ID3
from PIL import Image

from core.models import StoredFile
from core.storage import open_stored
from episodes.models import Episode
from narration import lead_image
from narration.models import Narration
from narration.preparing import prepare_narration
from narration.services import Submission, submit_narration
from production.models import Production
from production.running import run_production
from tests.factories.files import archive
from tests.factories.pictures import RED, drawing, png_bomb
from tests.fakes.web_server import WebServer, answer, redirect
from tests.narration.pages import page

#: What sites give other sites to show.
SHARED = drawing(1_200, height=630)
SMALL = drawing(690, height=690)


def page_with(image: str) -> str:
    return page(head=f'<meta property="og:image" content="{image}">')


@pytest.fixture
def server(settings) -> Iterator[WebServer]:
    settings.OUTBOUND_ALLOW = (ipaddress.ip_network("127.0.0.0/8"),)
    with WebServer() as running:
        running.routes["/p"] = answer(page_with("/lead.png").encode())
        running.routes["/lead.png"] = answer(SHARED, content_type="image/png")
        yield running


@pytest.fixture
def prepare(owner, now):
    """Submits and prepares a narration; gives its episode."""

    def run(**fields) -> Episode:
        made = submit_narration(account=owner, submission=Submission(**fields), now=now)
        prepare_narration(narration_id=made.pk, now=now)
        assert Narration.objects.get(pk=made.pk).state == Narration.State.PREPARED
        return Episode.objects.get(pk=made.episode_id)

    return run


def test_is_shown_in_the_feed_and_stands_in_the_tag(server, prepare, client):
    episode = prepare(url=server.url("/p"))
    run_production(production_id=Production.objects.get().pk, clock=timezone.now)
    episode.refresh_from_db()

    assert episode.production_state == "complete"
    content = b"".join(client.get(urlsplit(episode.cover_url).path))
    image = Image.open(io.BytesIO(content))
    assert (image.format, image.size) == ("JPEG", (1_400, 1_400))
    assert image.getpixel((700, 700)) == pytest.approx(RED, abs=6)
    with open_stored(episode.asset.storage_key) as file:
        (art,) = ID3(io.BytesIO(file.read())).getall("APIC")
    assert art.data == content
    feed = b"".join(client.get(f"/feeds/{episode.show.feed_token}.xml")).decode()
    assert f'<itunes:image href="{episode.cover_url}"/>' in feed.partition("<item>")[2]


def test_is_all_that_is_fetched_for_a_page_that_the_client_saw(server, prepare):
    episode = prepare(url=server.url("/p"), html=page_with("/lead.png"))

    assert episode.cover_key
    assert [server.request_line(n) for n in range(len(server.requests))] == [
        "GET /lead.png HTTP/1.1"
    ]
    assert "authorization" not in server.request_headers()


def hang(server: WebServer):
    return lambda _connection: server.closing.wait(100)


@pytest.mark.once
@pytest.mark.parametrize(
    "reply",
    [
        answer(status="404 Not Found"),
        answer(b"<svg xmlns='http://www.w3.org/2000/svg'/>", content_type="image/svg+xml"),
        answer(SHARED[:300], content_type="image/png"),
        answer(png_bomb(30_000), content_type="image/png"),
        answer(SMALL, content_type="image/png"),
        answer(drawing(3_000, height=100), content_type="image/png"),
        answer(archive({"a": "x"}), content_type="image/png"),
        answer(bytes(lead_image.MAX_BYTES + 1), content_type="image/png"),
        redirect("http://10.0.0.1/lead.png"),
        redirect("/lead.png"),
        hang,
    ],
)
def test_that_cannot_be_used_is_left_out(server, prepare, monkeypatch, reply):
    monkeypatch.setattr(lead_image, "TIMEOUT_SECONDS", 1.0)
    server.routes["/lead.png"] = reply(server) if callable(reply) else reply

    episode = prepare(url=server.url("/p"))

    assert episode.cover_key is None
    assert Production.objects.exists()
    assert not StoredFile.objects.exists()


@pytest.mark.parametrize(
    "address", ["http://10.0.0.1/x.png", "file:///etc/passwd", "data:image/png;base64,AAAA", ""]
)
def test_at_an_address_that_is_refused_is_left_out(server, prepare, address):
    episode = prepare(url=server.url("/p"), html=page_with(address))

    assert episode.cover_key is None
    assert server.requests == []


def test_a_broken_storage_costs_the_picture_only(server, prepare, monkeypatch):
    def break_down(*_arguments, **_named):
        raise OSError("No space left on device")

    monkeypatch.setattr("episodes.covers.store_bytes", break_down)

    assert prepare(url=server.url("/p")).cover_key is None
