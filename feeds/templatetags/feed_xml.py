"""Filters that write values in the forms that feeds demand."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

from django import template
from django.utils.safestring import SafeString, mark_safe

from feeds import notes

register = template.Library()


@register.filter
def rfc2822(moment: datetime) -> str:
    """RFC 2822 date, English, in UTC with a numeric offset."""
    return format_datetime(moment.astimezone(UTC))


@register.filter
def one_line(text: str) -> str:
    """One line of 255 characters at most, without characters that XML forbids."""
    return notes.one_line(text)


@register.filter
def cdata(text: str) -> SafeString:
    """A CDATA section; `text` is sanitised HTML."""
    return mark_safe(notes.cdata(text))  # noqa: S308 - that is what CDATA is for


@register.filter
def true_false(value: bool) -> str:
    """Apple's booleans; the older yes and no are warned about."""
    return "true" if value else "false"


@register.filter
def play_time(seconds: float) -> str:
    """`HH:MM:SS.mmm`, the normal play time of Podlove Simple Chapters."""
    milliseconds = round(seconds * 1_000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1_000:02d}.{rest % 1_000:03d}"
