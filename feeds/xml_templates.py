"""The templates of feeds, and the filters that write values in the forms that feeds demand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

from django.conf import settings
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from feeds import notes

NAMES = ("channel.xml", "item.xml")

#: English whatever the language of the show.
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


def template(name: str) -> Template:
    """The compiled template; a misspelt value in it raises."""
    return _environment().get_template(name)


@lru_cache(maxsize=1)
def item_macro() -> Callable[..., Markup]:
    """The macro of item.xml: called for each item, it costs half of a template rendered for each."""
    macro: Callable[..., Markup] = template("item.xml").module.item_xml  # type: ignore[attr-defined]
    return macro


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
    utc = moment.astimezone(UTC)
    # A quarter of the time of `email.utils.format_datetime`, which every item pays.
    date = f"{_DAYS[utc.weekday()]}, {utc.day:02d} {_MONTHS[utc.month - 1]} {utc.year:04d}"
    return f"{date} {utc.hour:02d}:{utc.minute:02d}:{utc.second:02d} +0000"


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
