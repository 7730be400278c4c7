"""Values in the forms that feeds demand."""

from __future__ import annotations

from datetime import UTC, datetime

#: English whatever the language of the show.
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


#: 00 to 59: a look is a quarter of the time of writing a number.
_TWO_DIGITS = tuple(f"{number:02d}" for number in range(60))


def rfc2822(moment: datetime) -> str:
    """RFC 2822 date, English, in UTC with a numeric offset."""
    utc, two = moment.astimezone(UTC), _TWO_DIGITS
    # A tenth of the time of `email.utils.format_datetime`, which every item pays.
    date = f"{_DAYS[utc.weekday()]}, {two[utc.day]} {_MONTHS[utc.month - 1]} {utc.year:04d}"
    return f"{date} {two[utc.hour]}:{two[utc.minute]}:{two[utc.second]} +0000"


def true_false(value: bool) -> str:
    """Apple's booleans; the older yes and no are warned about."""
    return "true" if value else "false"


def play_time(seconds: float) -> str:
    """`HH:MM:SS.mmm`, the normal play time of Podlove Simple Chapters."""
    milliseconds = round(seconds * 1_000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1_000:02d}.{rest % 1_000:03d}"
