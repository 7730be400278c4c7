"""The template of a feed's channel."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from feeds.notes import one_line
from feeds.xml_values import rfc2822, true_false

_NAME = "channel.xml"


def channel_template() -> Template:
    """The compiled template; a misspelt value in it raises."""
    return _environment().get_template(_NAME)


def channel_source() -> str:
    """The template's text."""
    loader = _environment().loader
    assert loader is not None  # noqa: S101 - for the type checker
    return loader.get_source(_environment(), _NAME)[0]


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(settings.BASE_DIR / "templates" / "feeds"),
        autoescape=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        auto_reload=False,
    )
    environment.filters.update(one_line=one_line, rfc2822=rfc2822, true_false=true_false)
    return environment
