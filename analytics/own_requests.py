"""Tells our own requests for audio from those of listeners: by a signed mark or our own agent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode

from django.core import signing

#: How the outbound client of every Podwright names itself (core/http.py).
OWN_AGENT = "Podwright/"
PREVIEW_PARAMETER = "preview"
#: As long as a page with a player is left open.
PREVIEW_LASTS = timedelta(hours=24)
_SALT = "analytics.preview"
_LONGEST_QUERY = 2_000


def preview_address(address: str) -> str:
    """`address` of audio as our own players use it: what they play is no download (R8)."""
    mark = signing.TimestampSigner(salt=_SALT).sign("own")
    joint = "&" if "?" in address else "?"
    return f"{address}{joint}{urlencode({PREVIEW_PARAMETER: mark})}"


def is_own_agent(user_agent: str) -> bool:
    """True for probes and importers, of this Podwright or another."""
    return user_agent.startswith(OWN_AGENT)


def is_preview(environ: Mapping[str, object]) -> bool:
    """True for a player on one of our own pages: its address bears the signed mark."""
    query = str(environ.get("QUERY_STRING") or "")
    if f"{PREVIEW_PARAMETER}=" not in query or len(query) > _LONGEST_QUERY:
        return False
    return any(_is_mark(value) for name, value in parse_qsl(query) if name == PREVIEW_PARAMETER)


def _is_mark(value: str) -> bool:
    try:
        signing.TimestampSigner(salt=_SALT).unsign(value, max_age=PREVIEW_LASTS)
    except signing.BadSignature:
        return False
    return True
