from __future__ import annotations

import io

import pytest
import soundfile
from django.db import IntegrityError
from django.utils import timezone

from narration.models import LexiconEntry, Narration
from narration.preparing import prepare_narration
from production.models import Production
from production.script import Script
from tests.narration.pages import PARAGRAPHS

READING, LEXICON, PREVIEW = "/api/v1/reading", "/api/v1/lexicon", "/api/v1/lexicon/preview"
TEXT = "\n\n".join([*PARAGRAPHS, "```\nx = 1\n```"])
CALLS = [
    ("get", READING),
    ("patch", READING),
    ("get", LEXICON),
    ("post", LEXICON),
    ("delete", f"{LEXICON}/1"),
    ("post", PREVIEW),
    ("get", "/api/v1/episodes/ep_x/left-out"),
]


@pytest.fixture
def read(owner_client):
    """Has a text narrated up to its script; gives the sentences and the episode's id."""

    def read(**fields):
        body = {"source_type": "text", "text": TEXT, **fields}
        answer = owner_client.post("/api/v1/episodes", body, format="json")
        assert answer.status_code == 201, answer.content
        narration = Narration.objects.order_by("-pk").first()
        prepare_narration(narration_id=narration.pk, now=timezone.now())
        script = Script.from_json(Production.objects.get(episode=narration.episode).script)
        return list(script.sentences()), answer.json()["id"]

    return read


class TestSettings:
    def test_begin_with_the_defaults(self, owner_client):
        assert owner_client.get(READING).json() == {
            "rules": dict.fromkeys(
                ("code", "tables", "footnotes", "link_lists", "captions"), "skip"
            ),
            "voice": "",
        }

    def test_hold_for_every_narration_that_says_nothing_else(self, owner_client, read):
        changes = {"rules": {"code": "describe"}, "voice": "low"}
        changed = owner_client.patch(READING, changes, format="json")
        assert changed.status_code == 200
        assert changed.json()["rules"]["code"] == "describe"

        sentences, public_id = read()
        others, _id = read(rules={"code": "read"}, voice="high")

        assert sentences[-1].sentence.text == "A code example stands here."
        assert {placed.voice for placed in sentences} == {"low"}
        assert others[-1].sentence.text == "x = 1"
        assert {placed.voice for placed in others} == {"high"}
        left_out = owner_client.get(f"/api/v1/episodes/{public_id}/left-out").json()
        assert left_out == {"left_out": [{"kind": "code", "text": "x = 1"}]}

    @pytest.mark.parametrize(
        "body",
        [
            {"rules": {"code": "shout"}},
            {"rules": {"pictures": "skip"}},
            {"rules": []},
            {"rules": "x"},
            {"voice": "nobody"},
            {"voice": 5},
            {"voice": "x" * 101},
        ],
    )
    def test_refuse_what_does_not_exist(self, owner_client, body):
        answer = owner_client.patch(READING, body, format="json")

        assert answer.status_code in {400, 422}
        assert list(answer.json()) == ["error"]

    def test_refuse_a_wrong_rule_of_a_request(self, owner_client):
        body = {"source_type": "text", "text": TEXT, "rules": {"code": "shout"}}

        answer = owner_client.post("/api/v1/episodes", body, format="json")

        assert answer.status_code == 422
        assert "read, describe, skip" in answer.json()["error"]


class TestLexicon:
    def test_changes_what_is_spoken_and_nothing_that_is_shown(self, owner_client, read):
        made = owner_client.post(LEXICON, {"word": "trains", "respelling": "trayns"}, format="json")
        assert made.status_code == 201

        sentences, _id = read()

        assert sentences[0].sentence.text == PARAGRAPHS[0]
        assert sentences[0].sentence.spoken.startswith("trayns have run")

    def test_of_a_show_wins_over_the_accounts(self, owner_client, read):
        read()
        show_id = Narration.objects.get().episode.show_id
        for body in (
            {"word": "trains", "respelling": "shown", "show_id": show_id},
            {"word": "trains", "respelling": "everywhere"},
        ):
            owner_client.post(LEXICON, body, format="json")

        sentences, _id = read()

        assert sentences[0].sentence.spoken.startswith("shown have run")

    def test_replaces_lists_and_deletes(self, owner_client):
        for respelling in ("one", "two"):
            owner_client.post(LEXICON, {"word": "x", "respelling": respelling}, format="json")

        (entry,) = owner_client.get(LEXICON).json()["lexicon"]
        assert entry == {
            "id": entry["id"],
            "word": "x",
            "respelling": "two",
            "phonemes": None,
            "show_id": None,
        }
        assert owner_client.delete(f"{LEXICON}/{entry['id']}").json() == {"deleted": True}
        assert owner_client.delete(f"{LEXICON}/{entry['id']}").status_code == 404

    def test_is_closed_to_strangers(self, owner_client, stranger_client, show):
        entry = owner_client.post(LEXICON, {"word": "x", "respelling": "y"}, format="json").json()

        assert stranger_client.get(LEXICON).json() == {"lexicon": []}
        assert stranger_client.delete(f"{LEXICON}/{entry['id']}").status_code == 404
        body = {"word": "x", "respelling": "y", "show_id": show.pk}
        assert stranger_client.post(LEXICON, body, format="json").status_code == 404

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"word": "x"},
            {"word": "", "respelling": "y"},
            {"word": "x" * 101, "respelling": "y"},
            {"word": "x", "phonemes": "a/b"},
            {"word": "[x]", "respelling": "y"},
            {"word": 5, "respelling": "y"},
            {"word": "x", "respelling": "y", "show_id": "one"},
            [],
            "x",
        ],
    )
    def test_refuses_what_says_nothing(self, owner_client, body):
        answer = owner_client.post(LEXICON, body, format="json")

        assert answer.status_code in {400, 422}
        assert list(answer.json()) == ["error"]

    @pytest.mark.parametrize(
        ("constraint", "fields"),
        [
            ("lexiconentry_word_not_empty", {"word": "", "respelling": "x"}),
            ("lexiconentry_says_how", {"word": "x"}),
        ],
    )
    def test_the_database_refuses_too(self, owner, now, constraint, fields):
        with pytest.raises(IntegrityError, match=constraint):
            LexiconEntry.objects.create(account=owner, created_at=now, **fields)

    def test_the_database_has_a_word_once(self, owner, now):
        fields = {"account": owner, "word": "x", "respelling": "y", "created_at": now}
        LexiconEntry.objects.create(**fields)

        with pytest.raises(IntegrityError):
            LexiconEntry.objects.create(**fields)


class TestPreview:
    @pytest.fixture(autouse=True)
    def _patience(self, monkeypatch):
        # The program that speaks may start slowly here.
        monkeypatch.setattr("production.previewing.TIMEOUT_SECONDS", 200.0)

    def test_is_a_short_sound(self, owner_client):
        body = {"text": "Hello there.", "word": "hello", "respelling": "hellooooooooooooooo"}

        with_word = owner_client.post(PREVIEW, body, format="json")
        without = owner_client.post(PREVIEW, {"text": "Hello there."}, format="json")

        assert with_word.status_code == without.status_code == 200
        assert with_word["Content-Type"] == "audio/wav"
        longer, shorter = (
            soundfile.info(io.BytesIO(answer.content)).duration for answer in (with_word, without)
        )
        assert longer > shorter > 0.5

    def test_may_be_sent_with_an_idempotency_key(self, owner_client):
        answer = owner_client.post(
            PREVIEW, {"text": "Hello."}, format="json", headers={"Idempotency-Key": "one"}
        )

        assert answer.status_code == 200
        assert answer.content[:4] == b"RIFF"

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"text": ""},
            {"text": "🚂"},
            {"text": "x" * 201},
            {"text": "x", "voice": "nobody"},
            {"text": "x", "word": "x"},
        ],
    )
    def test_refuses_what_cannot_be_heard(self, owner_client, body):
        answer = owner_client.post(PREVIEW, body, format="json")

        assert answer.status_code in {400, 422}
        assert list(answer.json()) == ["error"]


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_every_call_demands_a_key(anonymous_client, method, path):
    answer = getattr(anonymous_client, method)(path)

    assert (answer.status_code, answer.json()) == (401, {"error": "Unauthorized"})
