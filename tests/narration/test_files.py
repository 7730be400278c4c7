"""Files sent to be read: from the form to the script, good ones and hostile ones."""

from __future__ import annotations

import io
import textwrap
import zipfile
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from core.forms import FilePart
from core.storage import GRACE
from episodes.files import sweep_files
from episodes.models import Episode, EpisodeDocument
from narration.file_texts import READERS, Refused, joined_pages
from narration.models import Narration
from narration.preparing import prepare_narration
from production.models import Production
from production.script import Script
from tests.factories.files import archive, book_file, pdf_file, word_file
from tests.narration.pages import PARAGRAPHS, page

# About bytes of files.
pytestmark = pytest.mark.once

EPISODES = "/api/v1/episodes"
PDF_LINES = [
    line for text in PARAGRAPHS for line in textwrap.wrap(text, 80, break_on_hyphens=False)
]


@pytest.fixture
def send(owner_client):
    def send(content, name, **fields):
        file = SimpleUploadedFile(name, content)
        body = {"source_type": "file", "file": file, **fields}
        return owner_client.post(EPISODES, body, format="multipart")

    return send


@pytest.fixture
def read(send):
    """Sends a file and has it prepared; gives the episode."""

    def read(content, name, **fields):
        answer = send(content, name, **fields)
        assert answer.status_code == 201, answer.content
        narration = Narration.objects.get()
        prepare_narration(narration_id=narration.pk, now=timezone.now())
        return Episode.objects.get()

    return read


def spoken():
    script = Script.from_json(Production.objects.get().script)
    return " ".join(placed.sentence.text for placed in script.sentences()), script


class TestKinds:
    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("notes.txt", "\n\n".join(PARAGRAPHS).encode()),
            ("Notes.TXT", "\n\n".join(PARAGRAPHS).encode("utf-16")),
            ("notes.md", ("# A heading\n\n" + "\n\n".join(PARAGRAPHS)).encode()),
            ("page.html", page().encode()),
            ("paper.docx", word_file("A heading", PARAGRAPHS)),
            ("paper.pdf", pdf_file([PDF_LINES])),
            ("book.epub", book_file("A Book", [("One", PARAGRAPHS[:2]), ("Two", PARAGRAPHS[2:])])),
        ],
    )
    def test_are_read_whole(self, read, name, content):
        episode = read(content, name)

        assert episode.error_message == ""
        text, _script = spoken()
        for paragraph in PARAGRAPHS:
            assert paragraph.rstrip(".") in text

    def test_a_word_file_gives_title_author_and_chapters(self, read):
        episode = read(word_file("How it began", PARAGRAPHS, title="The Line"), "x.docx")

        assert (episode.title, episode.author) == ("The Line", "Ada Harrow")
        _text, script = spoken()
        assert [chapter.title for chapter in script.chapters] == ["The Line", "How it began"]

    def test_a_book_gives_its_chapters_in_order(self, read):
        chapters = [("One", PARAGRAPHS[:2]), ("Two", PARAGRAPHS[2:])]

        episode = read(book_file("A Book", chapters), "b.epub")

        assert (episode.title, episode.author) == ("A Book", "Ada Harrow")
        _text, script = spoken()
        assert [chapter.title for chapter in script.chapters] == ["A Book", "One", "Two"]

    def test_a_file_without_a_title_is_known_by_its_name(self, read):
        episode = read("\n\n".join(PARAGRAPHS).encode(), "weekly_notes-7.txt")

        assert episode.title == "weekly notes 7"
        assert spoken()[0].startswith("Trains have run")

    def test_what_the_sender_says_wins(self, read):
        content = word_file("A heading", PARAGRAPHS, title="Draft 3 FINAL")

        episode = read(content, "x.docx", title="The Line", author="Me", description="Mine.")

        assert (episode.title, episode.author) == ("The Line", "Me")
        assert episode.description == "Mine."

    def test_is_shown_as_a_file_without_an_address(self, send, owner_client):
        public_id = send("\n".join(PARAGRAPHS).encode(), "a.txt").json()["id"]

        shown = owner_client.get(f"{EPISODES}/{public_id}").json()["episode"]

        assert (shown["source_type"], shown["source_url"]) == ("file", None)
        assert shown["description"] == "Processing uploaded file..."


class TestPages:
    def test_lose_what_repeats_and_join_what_was_parted(self):
        pages = [
            f"The Railway Review\nText {word} of this page is con-\ntinued here.\n{number}"
            for number, word in enumerate(("one", "two", "three", "four"), start=1)
        ]

        text = joined_pages(pages)

        assert "Railway Review" not in text
        assert "con-" not in text
        assert text.count("continued here.") == 4
        assert not any(line.isdigit() for line in text.split("\n"))

    def test_lose_signs_that_stand_for_two_letters(self):
        assert (
            joined_pages(["The \ufb01les of the o\ufb03ce \ufb02oor"])
            == "The files of the office floor"
        )


class TestRefusedAtOnce:
    @pytest.mark.parametrize(
        ("name", "content", "error"),
        [
            ("a.exe", b"MZ" * 100, "File must be one of txt, md, html, docx, pdf, epub"),
            ("noextension", b"text" * 100, "File must be one of"),
            ("a.txt", b"", "File is empty"),
            ("a.txt", b" \n" * 10, "File is empty"),
            ("a.txt", b"\x00\x01\x02" * 50, "File is not text"),
            ("a.pdf", b"<html>" * 50, "File is not a pdf file"),
            ("a.docx", b"%PDF-1.4" * 50, "File is not a docx file"),
        ],
    )
    def test_with_what_to_mend(self, send, name, content, error):
        answer = send(content, name)

        assert answer.status_code == 422
        assert answer.json()["error"].startswith(error)
        assert not Episode.objects.exists()

    def test_when_too_large(self, send, monkeypatch):
        small = FilePart("file", 1 << 20)
        monkeypatch.setattr("narration.api.NarrationListView.file_part", small)

        answer = send(b"x" * ((1 << 20) + 1), "a.txt")

        assert answer.status_code == 413
        assert answer.json() == {"error": "file: the file is too large; the limit is 1 MB."}

    def test_without_a_file(self, owner_client):
        answer = owner_client.post(EPISODES, {"source_type": "file"}, format="multipart")

        assert answer.status_code == 422
        assert answer.json() == {"error": "File is missing: send it as the part 'file'"}


def encrypted_archive():
    content = bytearray(word_file("x", PARAGRAPHS))
    # The flag that says "encrypted" in each entry of the directory.
    position = content.find(b"PK\x01\x02")
    while position >= 0:
        content[position + 8] |= 1
        position = content.find(b"PK\x01\x02", position + 4)
    return bytes(content)


def locked_pdf():
    import pypdf  # noqa: PLC0415

    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf_file([PDF_LINES])))
    writer.encrypt("secret", algorithm="RC4-128")
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def word_with_entities():
    lol = "".join(
        f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' if n else '<!ENTITY l0 "lol">' for n in range(10)
    )
    with zipfile.ZipFile(io.BytesIO(word_file("x", PARAGRAPHS))) as good:
        files = {name: good.read(name) for name in good.namelist()}
    files["word/document.xml"] = f"<?xml version='1.0'?><!DOCTYPE d [{lol}]>".encode() + files[
        "word/document.xml"
    ].replace(b"</w:body>", b"<w:p><w:r><w:t>&l9;</w:t></w:r></w:p></w:body>")
    return archive(files)


def book_that_reads_files():
    chapter = (
        '<!DOCTYPE html [<!ENTITY secret SYSTEM "file:///etc/passwd">]>'
        f'<html xmlns="http://www.w3.org/1999/xhtml"><body>&secret;{"".join(PARAGRAPHS)}</body></html>'
    )
    return book_file("A Book", [("One", PARAGRAPHS)], **{"chapter0.xhtml": chapter})


class TestHostile:
    @pytest.mark.parametrize(
        ("name", "make", "reason"),
        [
            ("a.pdf", locked_pdf, "protected by a password"),
            ("a.docx", encrypted_archive, "protected by a password"),
            ("a.pdf", lambda: b"%PDF-1.4\n" + b"x" * 500, "damaged or not a PDF"),
            ("a.pdf", lambda: pdf_file([[""]]), "recognised (OCR)"),
            ("a.docx", lambda: word_file("x", PARAGRAPHS)[:400], "damaged"),
            ("a.docx", lambda: archive({"a.txt": "x" * 500}), "not a Word document"),
            ("a.epub", lambda: archive({"a.txt": "x" * 500}), "not an EPUB book"),
            (
                "a.epub",
                lambda: book_file("x", [("One", PARAGRAPHS)], **{"META-INF/rights.xml": "<r/>"}),
                "DRM",
            ),
            ("a.docx", word_with_entities, "damaged"),
            ("a.txt", lambda: b"short", "fewer than 100 characters"),
        ],
    )
    def test_fails_with_a_reason_and_gives_the_quota_back(self, read, owner, name, make, reason):
        episode = read(make(), name)

        assert episode.production_state == "failed"
        assert reason in episode.error_message
        assert not Production.objects.exists()

    def test_a_bomb_is_refused_before_it_is_unpacked(self):
        bomb = archive({"word/document.xml": b"\0" * 201_000_000})

        with pytest.raises(Refused, match="unpacks to more"):
            READERS["docx"](bomb)

    def test_a_book_cannot_read_files_of_this_machine(self, read):
        found = READERS["epub"](book_that_reads_files())

        assert "root:" not in str(found)


class TestStoredFile:
    def test_goes_with_the_episode(self, send, owner_client, now):
        public_id = send("\n".join(PARAGRAPHS).encode(), "a.txt").json()["id"]
        key = EpisodeDocument.objects.get().storage_key
        later = timezone.now() + GRACE + timedelta(minutes=1)
        assert sweep_files(now=later) == 0

        owner_client.delete(f"{EPISODES}/{public_id}")

        assert sweep_files(now=later) == 1
        assert owner_client.get(f"/media/{key}").status_code == 404

    def test_is_served_to_nobody(self, send, owner_client):
        send("\n".join(PARAGRAPHS).encode(), "a.txt")
        key = EpisodeDocument.objects.get().storage_key

        assert owner_client.get(f"/media/{key}").status_code == 404
