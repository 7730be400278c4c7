"""Signing in with a key: a browser's session stands for that key for as long as the key is active."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from core.client_address import Address, packed_network
from core.errors import Forbidden, QuotaExceeded
from core.throttles import count_event
from keys.models import ApiKey
from keys.services import find_active_key

SIGN_IN_PATH = "/sign-in"
ATTEMPTS = 20
WINDOW = timedelta(minutes=5)
_SESSION_NAME = "api_key"

Arguments = ParamSpec("Arguments")


class KeyRefused(Forbidden):
    """The key does not exist, has expired or was revoked."""

    code = "key_refused"


class TooManyAttempts(QuotaExceeded):
    """ATTEMPTS sign-ins were tried from this address within the window."""

    code = "too_many_attempts"


def sign_in(request: HttpRequest, *, secret: str, address: Address | None, now: datetime) -> ApiKey:
    """Begin a session for the key `secret`. Raises `KeyRefused`, `TooManyAttempts`."""
    tally = count_event(
        settings.DATA_DIR / "sign-ins",
        key=packed_network(address) if address else b"",
        limit=ATTEMPTS,
        window=WINDOW,
        now=now,
    )
    if tally.is_over:
        minutes = tally.resets_in_seconds // 60 + 1
        raise TooManyAttempts(f"Too many attempts; try again in {minutes} minutes.")
    key = find_active_key(secret=secret, now=now)
    if key is None:
        raise KeyRefused("This key is not known here, or has ended.")
    # A new session id: one that somebody else put into this browser is worth nothing.
    request.session.cycle_key()
    request.session[_SESSION_NAME] = key.pk
    return key


def sign_out(request: HttpRequest) -> None:
    """End the session and all that is in it."""
    request.session.flush()


def session_key(request: HttpRequest, *, now: datetime) -> ApiKey | None:
    """The key that the browser is signed in with; None when there is none, or it has ended."""
    key_id = request.session.get(_SESSION_NAME)
    if key_id is None:
        return None
    return ApiKey.objects.select_related("account").active(now=now).filter(pk=key_id).first()


def signed_in(
    view: Callable[Concatenate[HttpRequest, ApiKey, Arguments], HttpResponse],
) -> Callable[Concatenate[HttpRequest, Arguments], HttpResponse]:
    """A page that gets the key of the session as its second argument; others are sent to sign in."""

    @wraps(view)
    def guarded(
        request: HttpRequest, /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> HttpResponse:
        key = session_key(request, now=timezone.now())
        if key is None:
            query = urlencode({"next": request.get_full_path()})
            return HttpResponseRedirect(f"{SIGN_IN_PATH}?{query}")
        response = view(request, key, *args, **kwargs)
        # What one account sees must not be kept for the next one at the same machine.
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return guarded


def safe_next(request: HttpRequest) -> str:
    """Where to go after signing in: a page of ours, never another site's."""
    wanted = request.POST.get("next") or request.GET.get("next") or "/"
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts=None, require_https=request.is_secure()
    )
    return wanted if is_ours and wanted.startswith("/") else "/"
