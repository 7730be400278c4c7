"""The templates of feeds, and the filters that write values in the forms that feeds demand."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

from django.conf import settings
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from feeds import notes

NAMES = ("channel.xml", "item.xml")


def template(name: str) -> Template:
    """The compiled template; a misspelt value in it raises."""
    return _environment().get_template(name)


def source(name: str) -> str:
    """The template's text."""
    loader = _environment().loader
    assert loader is not None  # noqa: S101 - for the type checker
    return loader.get_source(_environment(), name)[0]


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(settings.BASE_DIR / "templates" / "feeds"),
        autoescape=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        auto_reload=False,
    )
    environment.filters.update(
        rfc2822=rfc2822,
        one_line=notes.one_line,
        cdata=cdata,
        true_false=true_false,
        play_time=play_time,
    )
    return environment


def rfc2822(moment: datetime) -> str:
    """RFC 2822 date, English, in UTC with a numeric offset."""
    return format_datetime(moment.astimezone(UTC))


def cdata(text: str) -> Markup:
    """A CDATA section; `text` is sanitised HTML."""
    return Markup(notes.cdata(text))  # noqa: S704 - that is what CDATA is for


def true_false(value: bool) -> str:
    """Apple's booleans; the older yes and no are warned about."""
    return "true" if value else "false"


def play_time(seconds: float) -> str:
    """`HH:MM:SS.mmm`, the normal play time of Podlove Simple Chapters."""
    milliseconds = round(seconds * 1_000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1_000:02d}.{rest % 1_000:03d}"
