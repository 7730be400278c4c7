"""Shows seconds as people read them on a player."""

from django import template

register = template.Library()


@register.filter
def clock(seconds: float) -> str:
    """`75.2` -> `1:15`, `3675` -> `1:01:15`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
