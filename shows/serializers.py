"""Shapes of shows in the PodClaw contract (contracts/podclaw.md section 3)."""

from __future__ import annotations

import re
from typing import Any

from babel import Locale
from rest_framework import serializers

from core.fields import BooleanField, EmailField, PublicAddressField, TextField
from core.times import iso_milliseconds
from shows.models import Show
from shows.services import SLUG_LENGTH, feed_url

MAX_TITLE_LENGTH = 1_000
MAX_DESCRIPTION_LENGTH = 20_000
MAX_CATEGORY_LENGTH = 255
#: What null means for a column that always has a value.
_MEANING_OF_NULL = {"language": "en", "explicit": False, "op3": True}

_LANGUAGE = re.compile(r"([a-z]{2,3})(?:[-_]([a-z]{4}))?(?:[-_]([a-z]{2}|[0-9]{3}))?", re.ASCII)
_SLUG = re.compile(r"[a-z0-9]+(?:[-_]+[a-z0-9]+)*", re.ASCII)
_CLDR = Locale("en")


class LanguageField(TextField):
    """An ISO 639 code, optionally with script and region, in any case: `en`, `pt-BR`, `zh-Hant-TW`."""

    is_exact = True
    default_error_messages = {"language": "must be a language code such as en or pt-BR"}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=35, **options)

    def parsed(self, text: str) -> str:
        """The code in its usual case."""
        match = _LANGUAGE.fullmatch(text.lower())
        if match is None:
            self.fail("language")
        language, script, region = match[1], (match[2] or "").title(), (match[3] or "").upper()
        if (
            language not in _CLDR.languages
            or (script and script not in _CLDR.scripts)
            or (region and region not in _CLDR.territories)
        ):
            self.fail("language")
        return "-".join(part for part in (language, script, region) if part)


class SlugField(TextField):
    """Lower-case letters and digits, joined by hyphens or underscores."""

    is_exact = True
    default_error_messages = {
        "slug": "must consist of letters a-z, digits and single hyphens, such as daily-ai-briefing"
    }

    def parsed(self, text: str) -> str:
        """The slug in lower case."""
        if not _SLUG.fullmatch(text.lower()):
            self.fail("slug")
        return text.lower()


class _ShowFields(serializers.Serializer[Any]):
    """What both creating and changing a show take."""

    title = TextField(max_length=MAX_TITLE_LENGTH)
    description = TextField(
        max_length=MAX_DESCRIPTION_LENGTH, lines=True, required=False, allow_null=True
    )
    author = TextField(max_length=MAX_TITLE_LENGTH, required=False, allow_null=True)
    owner_email = EmailField(required=False, allow_null=True)
    language = LanguageField(required=False, allow_null=True)
    category = TextField(max_length=MAX_CATEGORY_LENGTH, required=False, allow_null=True)
    image_url = PublicAddressField(required=False, allow_null=True)
    website_url = PublicAddressField(required=False, allow_null=True)
    explicit = BooleanField(required=False, allow_null=True)
    op3 = BooleanField(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Give null its meaning where the column has none."""
        return {
            name: _MEANING_OF_NULL.get(name) if value is None else value
            for name, value in attrs.items()
        }


class ShowChanges(_ShowFields):
    """The body of PATCH /api/shows/:id; all fields are optional there."""

    new_feed_url = PublicAddressField(required=False, allow_null=True)


class NewShow(_ShowFields):
    """The body of POST /api/shows."""

    slug = SlugField(max_length=SLUG_LENGTH, required=False, allow_null=True)


def show_object(show: Show) -> dict[str, object]:
    """The full object; needs `episode_count` (ShowQuerySet.with_episode_count)."""
    return {
        "id": show.pk,
        "slug": show.slug,
        "title": show.title,
        "description": show.description,
        "author": show.author,
        "owner_email": show.owner_email,
        "language": show.language,
        "category": show.category,
        "image_url": show.cover_url,
        "website_url": show.website_url,
        "explicit": show.explicit,
        "op3": show.op3,
        "episode_count": show.episode_count,  # type: ignore[attr-defined] # annotated
        "feed_url": feed_url(show),
        "new_feed_url": show.new_feed_url,
        "retired_at": iso_milliseconds(show.retired_at),
        "created_at": iso_milliseconds(show.created_at),
        "updated_at": iso_milliseconds(show.updated_at),
    }
