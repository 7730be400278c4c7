"""Our additions to the PodRead contract about reading: settings, lexicon, preview, what was left out."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from core.errors import Invalid
from core.fields import MAX_SMALL_INTEGER, NumberField, TextField
from keys.caller import account_of
from keys.scopes import EPISODES_READ, EPISODES_WRITE
from narration.limits import HOUR, limit_calls
from narration.models import LexiconEntry, ReadingSettings
from narration.podread import PodReadView
from narration.reading import (
    change_reading_settings,
    delete_lexicon_entry,
    lexicon_entries,
    lexicon_of,
    preferred_voice,
    put_lexicon_entry,
    reading_settings,
)
from narration.services import get_narration
from production.lexicon import Lexicon, Pronunciation
from production.models import Production
from production.previewing import MAX_CHARACTERS, preview
from production.reading_rules import PARTS, checked_rules
from production.script import Script
from production.voices.registry import voice_catalog

PREVIEWS_PER_HOUR = 120


class PronunciationMissing(Invalid):
    """An entry says neither how a word is respelled nor its phonemes."""

    code = "pronunciation_missing"


class _Phonemes(TextField):
    """IPA, without the signs that would end it."""

    default_error_messages = {"signs": "must not contain / ( ) [ ]"}

    def parsed(self, text: str) -> str:
        """The text as it is."""
        if set("/()[]") & set(text):
            self.fail("signs")
        return text


class NewLexiconEntry(serializers.Serializer[Any]):
    """A word and how it is spoken: `respelling` or `phonemes`; `show_id` None for all shows."""

    word = _Phonemes(max_length=100)
    respelling = _Phonemes(max_length=200, required=False, allow_null=True)
    phonemes = _Phonemes(max_length=200, required=False, allow_null=True)
    show_id = NumberField(high=MAX_SMALL_INTEGER, required=False, allow_null=True)


class NewPreview(serializers.Serializer[Any]):
    """A text to hear, with a word that is tried out before it is kept."""

    text = TextField(max_length=MAX_CHARACTERS)
    voice = TextField(max_length=100, required=False, allow_null=True)
    show_id = NumberField(high=MAX_SMALL_INTEGER, required=False, allow_null=True)
    word = _Phonemes(max_length=100, required=False, allow_null=True)
    respelling = _Phonemes(max_length=200, required=False, allow_null=True)
    phonemes = _Phonemes(max_length=200, required=False, allow_null=True)


class NewSettings(serializers.Serializer[Any]):
    """The voice of all narrations that name none; rules are checked by `checked_rules`."""

    voice = TextField(max_length=100, required=False, allow_null=True)


class ReadingSettingsView(PodReadView):
    """What holds for each narration that does not say otherwise."""

    required_scopes = {"GET": EPISODES_READ, "PATCH": EPISODES_WRITE}

    def get(self, request: Request) -> Response:
        """The rule of every part, and the voice ("" for one by language)."""
        return Response(_settings_object(reading_settings(account=account_of(request))))

    def patch(self, request: Request) -> Response:
        """Change voice or rules; rules that are sent replace all that there were."""
        body = self.parsed_body(NewSettings, partial=True)
        given = request.data
        rules = given.get("rules") if isinstance(given, dict) else None
        changed = change_reading_settings(
            account=account_of(request),
            rules=checked_rules(rules) if rules is not None else None,
            voice=(body["voice"] or "") if "voice" in body else None,
            now=timezone.now(),
        )
        return Response(_settings_object(changed))


class LexiconView(PodReadView):
    """The words that are spoken in a way of their own."""

    required_scopes = {"GET": EPISODES_READ, "POST": EPISODES_WRITE}

    def get(self, request: Request) -> Response:
        """All entries, by word."""
        rows = lexicon_entries(account=account_of(request))
        return Response({"lexicon": [_entry_object(row) for row in rows]})

    def post(self, request: Request) -> Response:
        """201 with the entry, which replaces one for the same word and show."""
        body = self.parsed_body(NewLexiconEntry)
        spoken = _pronunciation(body)
        entry = put_lexicon_entry(
            account=account_of(request),
            word=spoken.word,
            respelling=spoken.respelling,
            phonemes=spoken.phonemes,
            show_id=body.get("show_id"),
            now=timezone.now(),
        )
        return Response(_entry_object(entry), status=status.HTTP_201_CREATED)


class LexiconEntryView(PodReadView):
    """One entry."""

    required_scopes = {"DELETE": EPISODES_WRITE}

    def delete(self, request: Request, entry_id: int) -> Response:
        """200 with a confirmation, as the contract deletes."""
        delete_lexicon_entry(account=account_of(request), entry_id=entry_id)
        return Response({"deleted": True})


class _Sound(Response):
    """A WAV file, which no renderer of values can write."""

    @property
    def rendered_content(self) -> bytes:  # type: ignore[override] # a str in the stubs, bytes in fact
        """The file as it is."""
        self["Content-Type"] = "audio/wav"
        return bytes(self.data)


class PreviewView(PodReadView):
    """Hear how something is spoken."""

    required_scopes = {"POST": EPISODES_READ}

    def post(self, request: Request) -> Response:
        """200 with a WAV file of the text, spoken with the lexicon and the word that is tried out."""
        account = account_of(request)
        body = self.parsed_body(NewPreview)
        limit_calls(
            "previews",
            key=str(account.pk).encode(),
            limit=PREVIEWS_PER_HOUR,
            window=HOUR,
            now=timezone.now(),
        )
        catalog = voice_catalog()
        named = body.get("voice")
        voice = catalog.voice(named) if named else preferred_voice(account=account)
        tried = (_pronunciation(body),) if body.get("word") else ()
        lexicon = lexicon_of(account=account, show_id=body.get("show_id") or 0)
        audio = preview(
            body["text"], voice=voice or catalog.voices()[0], lexicon=Lexicon((*lexicon, *tried))
        )
        return _Sound(audio, headers={"Cache-Control": "private, no-store"})


class LeftOutView(PodReadView):
    """What of the source is not in the audio."""

    required_scopes = {"GET": EPISODES_READ}

    def get(self, request: Request, public_id: str) -> Response:
        """The parts in their order, each with its kind; long ones are cut."""
        narration = get_narration(account=account_of(request), public_id=public_id)
        script = Production.objects.filter(episode=narration.episode_id).values_list(
            "script", flat=True
        )
        found = script.first()
        parts = Script.from_json(found).left_out if found is not None else ()
        return Response({"left_out": [{"kind": part.kind, "text": part.text} for part in parts]})


def _pronunciation(body: dict[str, Any]) -> Pronunciation:
    respelling, phonemes = body.get("respelling") or "", body.get("phonemes") or ""
    if not (respelling or phonemes):
        raise PronunciationMissing(
            "respelling or phonemes is needed: how the word is spoken", field="respelling"
        )
    return Pronunciation(body["word"], respelling, phonemes)


def _settings_object(settings: ReadingSettings | None) -> dict[str, object]:
    rules = dict.fromkeys(PARTS, "skip") | (settings.rules if settings else {})
    return {"rules": rules, "voice": settings.voice if settings else ""}


def _entry_object(entry: LexiconEntry) -> dict[str, object]:
    return {
        "id": entry.pk,
        "word": entry.word,
        "respelling": entry.respelling or None,
        "phonemes": entry.phonemes or None,
        "show_id": entry.show_id,
    }
