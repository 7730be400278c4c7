"""Paths of the /api contract: both of their prefixes, and ids that fit the database."""

from __future__ import annotations

from collections.abc import Callable

from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, register_converter

MAX_ID = 2**63 - 1


class IdConverter:
    """A decimal id of at most MAX_ID; anything else is an address that does not exist."""

    regex = "[0-9]{1,19}"

    def to_python(self, value: str) -> int:
        """The id; raises `ValueError`, which Django reads as "no match"."""
        number = int(value)
        if number > MAX_ID:
            raise ValueError(value)
        return number

    def to_url(self, value: int) -> str:
        """The id in decimal."""
        return str(value)


register_converter(IdConverter, "id")


def api_paths(
    route: str, view: Callable[..., HttpResponseBase], *, name: str
) -> tuple[URLPattern, URLPattern]:
    """`/api/<route>` and its alias `/api/v1/<route>` (contracts/podclaw.md section 1.1)."""
    return path(f"api/{route}", view, name=name), path(f"api/v1/{route}", view, name=f"{name}-v1")
