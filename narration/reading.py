"""How an account wants its texts read: rules for parts, its own voice, and its lexicon."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import Account
from core.errors import Invalid, NotFound
from narration.models import LexiconEntry, ReadingSettings
from production.lexicon import Lexicon, Pronunciation
from production.reading_rules import ReadingRules, checked_rules
from production.voices.base import Voice, VoiceUnknown
from production.voices.registry import voice_catalog
from shows.services import get_show

MAX_ENTRIES = 1_000


class LexiconEntryNotFound(NotFound):
    """No such entry in this account."""

    code = "lexicon_entry_not_found"


class LexiconFull(Invalid):
    """The account has MAX_ENTRIES entries."""

    code = "lexicon_full"


def reading_settings(*, account: Account) -> ReadingSettings | None:
    """The account's settings; None where it has never made any."""
    return ReadingSettings.objects.filter(account=account).first()


def change_reading_settings(
    *, account: Account, rules: Mapping[str, str] | None, voice: str | None, now: datetime
) -> ReadingSettings:
    """Replace what is not None. Raises `VoiceUnknown`."""
    if voice:
        voice_catalog().voice(voice)
    with transaction.atomic(durable=True):
        settings, _made = ReadingSettings.objects.select_for_update().get_or_create(
            account=account, defaults={"updated_at": now}
        )
        if rules is not None:
            settings.rules = checked_rules(rules)
        if voice is not None:
            settings.voice = voice
        settings.updated_at = now
        settings.save()
    return settings


def reading_rules(*, account: Account, given: Mapping[str, str]) -> ReadingRules:
    """The rules for one narration: those of its request, then the account's, then the defaults."""
    settings = reading_settings(account=account)
    own = settings.rules if settings else {}
    return ReadingRules(**{**own, **given})


def preferred_voice(*, account: Account) -> Voice | None:
    """The account's own voice, if it has chosen one that is still on offer."""
    settings = reading_settings(account=account)
    if settings is None or not settings.voice:
        return None
    try:
        return voice_catalog().voice(settings.voice)
    except VoiceUnknown:
        return None


def lexicon_entries(*, account: Account) -> QuerySet[LexiconEntry]:
    """All entries of the account, by word."""
    return LexiconEntry.objects.filter(account=account).order_by("word", "pk")


def lexicon_of(*, account: Account, show_id: int) -> Lexicon:
    """The words for one show: the account's, then the show's, which win."""
    entries = lexicon_entries(account=account)
    rows = [*entries.filter(show=None), *entries.filter(show=show_id)]
    return Lexicon(Pronunciation(row.word, row.respelling, row.phonemes) for row in rows)


def put_lexicon_entry(
    *,
    account: Account,
    word: str,
    respelling: str,
    phonemes: str,
    show_id: int | None,
    now: datetime,
) -> LexiconEntry:
    """Add an entry, or replace the one for the same word. Raises `LexiconFull`, `ShowNotFound`."""
    show = get_show(account=account, show_id=show_id) if show_id is not None else None
    with transaction.atomic(durable=True):
        if lexicon_entries(account=account).count() >= MAX_ENTRIES:
            raise LexiconFull(f"A lexicon has at most {MAX_ENTRIES:,} entries; delete some.")
        entry, _made = LexiconEntry.objects.update_or_create(
            account=account,
            show=show,
            word=word,
            defaults={"respelling": respelling, "phonemes": phonemes},
            create_defaults={"respelling": respelling, "phonemes": phonemes, "created_at": now},
        )
    return entry


def delete_lexicon_entry(*, account: Account, entry_id: int) -> None:
    """Delete an entry. Raises `LexiconEntryNotFound`."""
    deleted, _by_model = lexicon_entries(account=account).filter(pk=entry_id).delete()
    if not deleted:
        raise LexiconEntryNotFound("Lexicon entry not found")
