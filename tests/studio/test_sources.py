from __future__ import annotations

import io
import ipaddress
import zipfile
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from core.models import StoredFile
from studio.models import Source
from studio.reading import LEASE, MAX_ATTEMPTS, due_sources, read_source
from tests.fakes.web_server import WebServer, answer
from tests.narration.pages import PARAGRAPHS, page

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"


@pytest.fixture
def server(settings):
    settings.OUTBOUND_ALLOW = (ipaddress.ip_network("127.0.0.0/8"),)
    with WebServer() as running:
        running.routes["/p"] = answer(page().encode())
        yield running


def docx(*paragraphs: tuple[str, str], name: str = "word/document.xml") -> bytes:
    body = "".join(
        f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>'
        for style, text in paragraphs
    )
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(name, f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>')
    return target.getvalue()


def pptx(*slides: list[str]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, lines in enumerate(slides, 1):
            text = "".join(f"<a:p><a:r><a:t>{line}</a:t></a:r></a:p>" for line in lines)
            archive.writestr(f"ppt/slides/slide{number}.xml", f'<s xmlns:a="{DRAWING}">{text}</s>')
    return target.getvalue()


def pdf(text: str) -> bytes:
    """A PDF of one page, written by hand."""
    lines = "".join(f"({line}) Tj 0 -14 Td " for line in text.splitlines())
    content = f"BT /F1 12 Tf 50 780 Td {lines}ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        (
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R"
            b"/Resources<</Font<</F1 5 0 R>>>>>>"
        ),
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    target, places = b"%PDF-1.4\n", []
    for number, item in enumerate(objects, 1):
        places.append(len(target))
        target += b"%d 0 obj%s endobj\n" % (number, item)
    start = len(target)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return target + (
        b"xref\n0 6\n0000000000 65535 f \n%strailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF"
        % (table, start)
    )


@pytest.fixture
def send_file(owner_client):
    def send(content: bytes, name: str, **texts: str):
        form = {"file": SimpleUploadedFile(name, content), **texts}
        return owner_client.post("/v1/sources", form, format="multipart")

    return send


@pytest.fixture
def read(now):
    def run(when=now) -> Source:
        for source_id in due_sources(now=when):
            read_source(source_id=source_id, now=when)
        return Source.objects.order_by("-pk").first()

    return run


@pytest.fixture(autouse=True)
def _at_that_time(now, time_machine):
    time_machine.move_to(now, tick=False)


class TestText:
    def test_can_be_used_at_once(self, source):
        assert source["status"] == "completed"
        assert source["type"] == "text"
        assert source["error_message"] is None

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "type"),
            ({"type": "text"}, "content"),
            ({"type": "text", "content": "short"}, "content"),
            ({"type": "text", "content": 5}, "content"),
            ({"type": "text", "content": "x" * 500_001}, "content"),
            ({"type": "url"}, "url"),
            ({"type": "url", "url": "ftp://example.com/x"}, "url"),
            ({"type": "url", "url": "https://u:p@example.com/x"}, "url"),
            ({"type": "audio", "url": "https://example.com"}, "type"),
            ({"type": "youtube", "url": "https://youtube.com/watch?v=1"}, "type"),
            ({"type": "text", "content": "x" * 200, "title": "t" * 256}, "title"),
        ],
    )
    def test_refuses_a_field_by_name(self, owner_client, body, field):
        answer = owner_client.post("/v1/sources", body, format="json")

        assert answer.status_code == 400, answer.content
        assert answer.json()["error"]["details"][0]["field"] == field

    def test_says_why_it_takes_no_video(self, owner_client):
        body = {"type": "youtube", "url": "https://youtube.com/watch?v=1"}

        answer = owner_client.post("/v1/sources", body, format="json")

        assert "transcript" in answer.json()["error"]["message"]


class TestPage:
    def test_is_read_by_a_worker(self, owner_client, server, read):
        made = owner_client.post(
            "/v1/sources", {"type": "url", "url": server.url("/p?utm_source=x")}, format="json"
        )
        assert made.status_code == 202
        assert made.json()["data"]["status"] == "processing"

        source = read()

        assert source.text.split("\n\n") == PARAGRAPHS
        shown = owner_client.get(f"/v1/sources/{made.json()['data']['id']}").json()["data"]
        assert shown["status"] == "completed"
        assert shown["title"] == "The Land That Pays"
        assert shown["metadata"]["url"] == server.url("/p")

    def test_says_why_it_could_not_be_read(self, owner_client, server, read):
        server.routes["/p"] = answer(status="404 Not Found")
        made = owner_client.post(
            "/v1/sources", {"type": "url", "url": server.url("/p")}, format="json"
        ).json()["data"]

        read()

        shown = owner_client.get(f"/v1/sources/{made['id']}").json()["data"]
        assert shown["status"] == "error"
        assert "no such page" in shown["error_message"]

    def test_is_tried_again_where_that_may_help_but_not_for_ever(
        self, owner_client, server, read, now
    ):
        server.routes["/p"] = answer(status="503 Busy")
        owner_client.post("/v1/sources", {"type": "url", "url": server.url("/p")}, format="json")

        for attempt in range(MAX_ATTEMPTS):
            source = read(now + timedelta(minutes=5 * attempt))

        assert source.state == "error"
        assert len(server.requests) == MAX_ATTEMPTS

    def test_of_a_killed_worker_is_read_again(self, owner_client, server, read, now):
        owner_client.post("/v1/sources", {"type": "url", "url": server.url("/p")}, format="json")
        Source.objects.update(lease="0" * 32, lease_until=now + LEASE, attempts=1)
        assert not due_sources(now=now)

        assert read(now + LEASE).state == "completed"

    def test_reaches_no_private_network(self, owner_client, read, settings):
        settings.OUTBOUND_ALLOW = ()
        owner_client.post(
            "/v1/sources", {"type": "url", "url": "http://127.0.0.1:1/x"}, format="json"
        )

        assert read().error_code == "address_refused"


class TestFile:
    @pytest.mark.parametrize(
        ("name", "content", "wanted"),
        [
            ("a.txt", ("# A heading\n\n" + PARAGRAPHS[0]).encode(), "# A heading"),
            ("a.md", ("# A heading\n\n" + PARAGRAPHS[0]).encode(), "# A heading"),
            ("a.txt", "\n\n".join(PARAGRAPHS).encode("utf-16"), PARAGRAPHS[1]),
            ("a.csv", b"Town,Year\n" + b"Harrow,1871\n" * 9, "Town: Harrow; Year: 1871."),
            (
                "a.docx",
                docx(("Heading1", "Owners"), ("Normal", PARAGRAPHS[0])),
                f"## Owners\n\n{PARAGRAPHS[0]}",
            ),
            ("a.pptx", pptx(["Owners", PARAGRAPHS[0]], ["Then", "Nothing."]), "## Owners"),
            ("a.pdf", pdf("A line of a page that\n" * 8), "A line of a page that A line"),
        ],
    )
    def test_of_each_kind_is_read(self, send_file, read, name, content, wanted):
        made = send_file(content, name, title="Mine")
        assert made.status_code == 202, made.content

        source = read()

        assert source.error_message == ""
        assert wanted in source.text
        assert source.title == "Mine"
        assert not StoredFile.objects.exists()

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("a.pdf", b"%PDF-1.4 broken"),
            ("a.docx", docx(("Normal", "x" * 200), name="other.xml")),
            ("a.docx", b"PK\x03\x04 not a zip"),
            ("a.pptx", pptx(["0" * 60_000_000])),
            ("a.txt", b"too short"),
        ],
    )
    def test_that_cannot_be_read_says_so(self, send_file, read, name, content):
        made = send_file(content, name)
        assert made.status_code == 202, made.content

        source = read()

        assert source.state == "error"
        assert source.error_message
        assert not StoredFile.objects.exists()

    @pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\0\0\0", b"ID3\x03\0\0", b"\0" * 100])
    def test_of_another_kind_is_refused_at_once(self, send_file, content):
        answer = send_file(content, "a.pdf")

        assert answer.status_code == 400
        assert answer.json()["error"]["details"][0]["field"] == "file"
        assert not Source.objects.exists()

    def test_over_the_limit_is_refused(self, send_file):
        answer = send_file(b"x" * (10 * 2**20 + 1), "a.txt")

        assert answer.status_code == 400
        assert "10 MB" in answer.json()["error"]["message"]
        assert not StoredFile.objects.exists()

    def test_has_to_be_there(self, owner_client):
        answer = owner_client.post("/v1/sources", {"title": "x"}, format="multipart")

        assert answer.status_code == 400


class TestSources:
    def test_are_filtered(self, owner_client, source):
        def ids(**query):
            return [one["id"] for one in owner_client.get("/v1/sources", query).json()["data"]]

        assert ids(type="text", status="completed") == [source["id"]]
        assert ids(type="youtube") == ids(status="awaiting_upload") == ids(type="url") == []
        assert owner_client.get("/v1/sources", {"status": "failed"}).status_code == 400

    def test_are_deleted_once(self, owner_client, source):
        path = f"/v1/sources/{source['id']}"

        assert owner_client.delete(path).status_code == 204
        assert owner_client.get(path).status_code == 404
        assert owner_client.delete(path).status_code == 404

    @pytest.mark.parametrize("method", ["get", "delete"])
    def test_are_404_for_a_stranger(self, stranger_client, source, method):
        assert getattr(stranger_client, method)(f"/v1/sources/{source['id']}").status_code == 404
