"""The child processes that read sources: bounds on memory and time, deaths, and what goes on meanwhile."""

from __future__ import annotations

import io
import signal
import threading
import time
from contextlib import suppress
from multiprocessing import forkserver

import psutil
import pytest

from core.http import Fetched
from episodes.models import Episode
from narration import source_reading
from narration.diagnosis import ArticleNotFound
from narration.extraction import PageTooComplex
from narration.file_articles import FileTextMissing
from narration.models import Narration
from narration.pages import NotAnArticle
from narration.preparing import prepare_narration
from narration.services import Submission, submit_narration
from narration.source_reading import (
    ReadingBroke,
    ReadingTooCostly,
    may_pass,
    read_file,
    read_html,
    read_page,
)
from tests.factories.files import book_file, pdf_file, word_file
from tests.flows.running import wait_until
from tests.narration.endless import read_for_ever
from tests.narration.pages import PARAGRAPHS, page

URL = "https://site.example/p"


def prose(characters: int) -> str:
    """A page of so much text, no two paragraphs of it alike."""
    texts = (f"{number}. {PARAGRAPHS[number % 4]}" for number in range(characters // 150))
    return page("<article>" + "".join(f"<p>{text}</p>" for text in texts) + "</article>")


def readers() -> list[psutil.Process]:
    """What the fork server started; other tests' servers are this process's grandchildren, too."""
    server = forkserver._forkserver._forkserver_pid
    return psutil.Process(server).children() if server else []


def test_brings_back_all_that_was_found():
    found = read_html(page(head='<meta name="author" content="Jo Doe">'), url=URL)

    assert (found.title, found.author, found.url) == ("The Land That Pays", "Jo Doe", URL)
    assert [block.text for block in found.document.blocks] == PARAGRAPHS


@pytest.mark.parametrize(
    ("name", "content_type", "body", "title"),
    [
        ("paper.pdf", "application/pdf", pdf_file([PARAGRAPHS]), "paper"),
        ("Old%20land.pdf", "application/octet-stream", pdf_file([PARAGRAPHS]), "Old land"),
        ("1", "application/epub+zip", book_file("Fields", [("One", PARAGRAPHS)]), "Fields"),
        ("land.docx", "", word_file("The Land", PARAGRAPHS, title="Land"), "Land"),
    ],
)
def test_reads_a_file_at_an_address(name, content_type, body, title):
    found = read_page(Fetched(f"https://site.example/{name}?v=1", 200, {}, body, content_type, ""))

    assert PARAGRAPHS[-1] in " ".join(block.text for block in found.document.blocks)
    assert found.url == f"https://site.example/{name}?v=1"
    assert (found.title, found.image_url) == (title, "")


@pytest.mark.parametrize(
    ("content_type", "body", "refusal"),
    [
        ("application/pdf", b"%PDF-1.7 and no more", FileTextMissing),
        ("application/pdf", page().encode(), NotAnArticle),
        ("application/zip", word_file("The Land", PARAGRAPHS), NotAnArticle),
        ("application/octet-stream", pdf_file([PARAGRAPHS]), NotAnArticle),
    ],
)
def test_refuses_what_is_not_the_file_it_is_called(content_type, body, refusal):
    with pytest.raises(refusal):
        read_page(Fetched("https://site.example/download", 200, {}, body, content_type, ""))


@pytest.mark.parametrize(
    ("html", "refusal"),
    [
        ("<p>Hi.</p>", ArticleNotFound),
        ("<p>a" * 200_000, PageTooComplex),
        (f"<article><p>{'Words and words. ' * 130_000}</p></article>", PageTooComplex),
    ],
)
def test_tells_refusals_by_their_names(html, refusal):
    with pytest.raises(refusal) as refused:
        read_html(page(html), url=URL)

    assert not may_pass(refused.value)


def test_refuses_twenty_megabytes_of_prose_within_its_time():
    body = prose(19_000_000).encode()
    sent = Fetched(URL, 200, {}, body, "text/html", "utf-8")

    with pytest.raises(PageTooComplex):
        read_page(sent)
    with pytest.raises(PageTooComplex):
        read_page(Fetched(URL, 200, {}, b"Words. " * 2_800_000, "text/plain", ""))


@pytest.mark.parametrize("limit", ["CPU_SECONDS", "MEMORY_BYTES", "TIMEOUT_SECONDS"])
def test_what_costs_too_much_fails_with_a_reason_and_others_go_on(owner, now, monkeypatch, limit):
    costly = submit_narration(
        account=owner, submission=Submission(url=URL, html=prose(1_900_000)), now=now
    )
    usual = submit_narration(account=owner, submission=Submission(url=URL, html=page()), now=now)

    with monkeypatch.context() as patch:
        small = {"CPU_SECONDS": 1, "MEMORY_BYTES": 200 << 20, "TIMEOUT_SECONDS": 0.01}
        patch.setattr(source_reading, limit, small[limit])
        if limit == "CPU_SECONDS":
            # A fast machine reads any page that is taken in less than the shortest bound.
            patch.setattr(source_reading, "read_for", read_for_ever)
        prepare_narration(narration_id=costly.pk, now=now)
    prepare_narration(narration_id=usual.pk, now=now)

    failed = Episode.objects.get(pk=costly.episode_id)
    assert failed.production_state == "failed"
    assert "more time or memory than is allowed" in failed.error_message
    assert Narration.objects.get(pk=costly.pk).error_code == "reading_too_costly"
    assert Narration.objects.get(pk=usual.pk).state == Narration.State.PREPARED
    # The fork server and its helper are left, and nobody who still reads.
    wait_until(lambda: not readers())


def test_a_killed_reader_is_tried_again(owner, now):
    made = submit_narration(
        account=owner, submission=Submission(url=URL, html=prose(1_500_000)), now=now
    )

    def kill_the_reader():
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for process in readers():
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGKILL)
                    return
            time.sleep(0.005)

    killer = threading.Thread(target=kill_the_reader)
    killer.start()
    prepare_narration(narration_id=made.pk, now=now)
    killer.join()

    narration = Narration.objects.get()
    assert (narration.state, narration.error_code) == ("waiting", "reading_broke")


def test_those_who_wait_for_a_place_too_long_are_told(monkeypatch):
    monkeypatch.setattr(source_reading, "PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(source_reading, "_places", threading.BoundedSemaphore(1))
    source_reading._places.acquire()

    with pytest.raises(ReadingBroke) as refused:
        read_html(page(), url=URL)

    assert may_pass(refused.value)


def test_a_file_is_read_by_a_child_too(monkeypatch):
    monkeypatch.setattr(source_reading, "MEMORY_BYTES", 100 << 20)

    with pytest.raises(ReadingTooCostly):
        read_file(io.BytesIO(b"Words. " * 280_000), kind="txt", name="a.txt")
