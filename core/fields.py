"""Input fields that take whatever strangers send and give clean values or one clear refusal."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import validate_email
from rest_framework import serializers

from core.addresses import is_public, literal_address
from core.schemas import BOOLEAN, Schema, one_of
from core.text import clean_line, clean_text, is_clean, is_visible
from core.web_addresses import UrlInvalid, parse_url

MAX_URL_LENGTH = 2_000
MAX_EMAIL_LENGTH = 254
#: Dates outside of it are slips of the hand, and some of them overflow in another time zone.
EARLIEST_YEAR, LATEST_YEAR = 1900, 2999
#: The largest integer that every JSON reader keeps exact.
MAX_INTEGER = 2**53 - 1
MAX_SMALL_INTEGER = 2**31 - 1

_PLAIN_URL = re.compile(r"[!#-;=?-\[\]_a-z~]+")
_NUMBER = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?")
_MIME_TYPE = re.compile(r"(?:(?:audio|video)/[a-z0-9][a-z0-9!#$&^_.+-]*|application/ogg)(\s*;.*)?")
_TRUE, _FALSE = frozenset({"true", "1"}), frozenset({"false", "0"})


class TextField(serializers.Field[str | None, object, Any, Any]):
    """A string without control characters; one with nothing to see is null where null is allowed.

    Prose loses them; where every character counts (`is_exact`) they are refused.
    """

    is_exact = False

    default_error_messages = {
        "type": "must be a string",
        "blank": "must not be empty",
        "control": "must not contain control characters",
        "long": "must have at most {limit} characters",
    }

    def __init__(self, *, max_length: int, lines: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.max_length = max_length
        self.lines = lines

    def to_internal_value(self, data: object) -> str | None:
        """The cleaned text, on one line unless `lines`."""
        if not isinstance(data, str):
            self.fail("type")
        if self.is_exact and not is_clean(data):
            self.fail("control")
        text = clean_text(data) if self.lines else clean_line(data)
        if not is_visible(text):
            if self.allow_null:
                return None
            self.fail("blank")
        if len(text) > self.max_length:
            self.fail("long", limit=f"{self.max_length:,}")
        return self.parsed(text)

    def parsed(self, text: str) -> str:
        """What a subclass makes of the clean text."""
        return text

    def schema(self) -> Schema:
        """A string with its limits."""
        limits: Schema = {"type": "string", "maxLength": self.max_length}
        return limits if self.allow_null else {**limits, "minLength": 1}


class WebAddressField(TextField):
    """An http(s) URL without credentials; nothing is resolved or called."""

    is_exact = True
    default_error_messages = {"url": "{reason}"}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=MAX_URL_LENGTH, **options)

    def parsed(self, text: str) -> str:
        """The URL as it was given if it is plain ASCII, else in its encoded form."""
        try:
            url = parse_url(text)
        except UrlInvalid as error:
            self.fail("url", reason=error.message)
        written = text if _PLAIN_URL.fullmatch(text) else str(url)
        if len(written) > MAX_URL_LENGTH:
            self.fail("long", limit=f"{MAX_URL_LENGTH:,}")
        return written

    def schema(self) -> Schema:
        """A string that holds an address."""
        return {**super().schema(), "format": "uri", "pattern": "^https?://"}


class PublicAddressField(WebAddressField):
    """A URL that strangers will follow: no private address, in whatever notation, stands in it.

    Names are not looked up. This server's own addresses and networks in OUTBOUND_ALLOW will do.
    """

    default_error_messages = {
        "private": "must not lead into a private or reserved network; give an address that everybody "
        "can reach"
    }

    def parsed(self, text: str) -> str:
        """The URL."""
        written = super().parsed(text)
        host = parse_url(written).host
        address = literal_address(host)
        if (
            address is not None
            and not is_public(address)
            and not any(address in network for network in settings.OUTBOUND_ALLOW)
            and host not in {_host_of(settings.PUBLIC_URL), _host_of(settings.PUBLIC_MEDIA_URL)}
        ):
            self.fail("private")
        return written


def _host_of(url: str) -> str | None:
    return parse_url(url).host if url else None


class EmailField(TextField):
    """An e-mail address."""

    is_exact = True
    default_error_messages = {"email": "must be an e-mail address"}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=MAX_EMAIL_LENGTH, **options)

    def parsed(self, text: str) -> str:
        """The address as given."""
        try:
            validate_email(text)
        except DjangoValidationError:
            self.fail("email")
        return text

    def schema(self) -> Schema:
        """A string that holds an e-mail address."""
        return {**super().schema(), "format": "email"}


class MimeTypeField(TextField):
    """A media type of sound or film, such as audio/mpeg, in lower case, without parameters."""

    is_exact = True
    default_error_messages = {"mime": "must be an audio or video type such as audio/mpeg"}

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=100, **options)

    def parsed(self, text: str) -> str:
        """The bare type."""
        lower = text.lower()
        if not _MIME_TYPE.fullmatch(lower):
            self.fail("mime")
        return lower.partition(";")[0].strip()


class ChoiceField(TextField):
    """One of a few words, in any case."""

    is_exact = True
    default_error_messages = {"choice": "must be one of {choices}"}

    def __init__(self, *, choices: list[str], **options: Any) -> None:
        super().__init__(max_length=100, **options)
        self.choices = choices

    def parsed(self, text: str) -> str:
        """The word as the contract writes it."""
        if text.lower() not in self.choices:
            self.fail("choice", choices=", ".join(self.choices))
        return text.lower()

    def schema(self) -> Schema:
        """The words."""
        return one_of(self.choices)


class BooleanField(serializers.Field[bool, object, Any, Any]):
    """true or false, also as "true", "false", "1", "0", 1 and 0."""

    default_error_messages = {"type": "must be true or false"}

    def to_internal_value(self, data: object) -> bool:
        """The truth value."""
        if isinstance(data, bool):
            return data
        word = str(data).strip().lower() if isinstance(data, (str, int)) else ""
        if word not in _TRUE | _FALSE:
            self.fail("type")
        return word in _TRUE

    def schema(self) -> Schema:
        """A truth value."""
        return BOOLEAN


class NumberField(serializers.Field[int | None, object, Any, Any]):
    """A whole number from `low` to `high`, also as a string; `rounded` takes fractions as well."""

    default_error_messages = {
        "type": "must be a whole number",
        "range": "must be from {low} to {high}",
    }

    def __init__(self, *, high: int, low: int = 0, rounded: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.low, self.high, self.rounded = low, high, rounded

    def to_internal_value(self, data: object) -> int | None:
        """The number; an empty string is null where null is allowed."""
        value: float = self._value(data)
        if isinstance(value, float):
            if not math.isfinite(value) or (not self.rounded and not value.is_integer()):
                self.fail("type")
            value = round(value)
        if not self.low <= value <= self.high:
            self.fail("range", low=self.low, high=self.high)
        return int(value)

    def run_validation(self, data: Any = serializers.empty) -> int | None:
        """As every field, but an empty string counts as null."""
        if self.allow_null and isinstance(data, str) and not data.strip():
            data = None
        return cast("int | None", super().run_validation(data))

    def _value(self, data: object) -> int | float:
        if isinstance(data, (int, float)) and not isinstance(data, bool):
            return data
        match = _NUMBER.fullmatch(data.strip()) if isinstance(data, str) else None
        if match is None:
            self.fail("type")
        return float(match[0]) if match[1] else int(match[0])

    def schema(self) -> Schema:
        """A number within its range."""
        kind = "number" if self.rounded else "integer"
        return {"type": kind, "minimum": self.low, "maximum": self.high}


class MomentField(serializers.Field[datetime | None, object, Any, Any]):
    """An ISO 8601 date or date and time; without a zone it is read as UTC."""

    default_error_messages = {
        "type": "must be an ISO 8601 date and time such as 2026-03-24T07:00:00Z",
        "range": "must lie between the years {low} and {high}",
    }

    def run_validation(self, data: Any = serializers.empty) -> datetime | None:
        """As every field, but an empty string counts as null."""
        if self.allow_null and isinstance(data, str) and not data.strip():
            data = None
        return cast("datetime | None", super().run_validation(data))

    def to_internal_value(self, data: object) -> datetime | None:
        """The moment in UTC."""
        if not isinstance(data, str):
            self.fail("type")
        try:
            # ISO 8601 allows lower-case t and z; Python reads upper case only.
            moment = datetime.fromisoformat(data.strip().upper())
            moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail("type")
        if not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
            self.fail("range", low=EARLIEST_YEAR, high=LATEST_YEAR)
        return moment

    def schema(self) -> Schema:
        """A date and time; a date alone will do as well."""
        return {"anyOf": [{"type": "string", "format": form} for form in ("date-time", "date")]}
