"""The pages by which people come in: signing in with a key, out again, and letting a program in."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from core.client_address import client_address
from core.errors import PodwrightError, QuotaExceeded
from keys.devices import approve_device
from keys.models import ApiKey
from keys.sessions import safe_next, session_key, sign_in, sign_out, signed_in

MAX_FIELD_LENGTH = 200


@never_cache
@sensitive_post_parameters("key")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_page(request: HttpRequest) -> HttpResponse:
    """Ask for a key; a right one leads to the page that was wanted."""
    destination = safe_next(request)
    if request.method != "POST":
        is_in = session_key(request, now=timezone.now()) is not None
        return _form(request, destination, is_in=is_in)
    try:
        sign_in(
            request,
            secret=request.POST.get("key", "").strip()[:MAX_FIELD_LENGTH],
            address=client_address(request.META, trusted=settings.TRUSTED_PROXIES),
            now=timezone.now(),
        )
    except PodwrightError as error:
        status = 429 if isinstance(error, QuotaExceeded) else 403
        return _form(request, destination, error=error.message, status=status)
    return HttpResponseRedirect(destination)


@require_POST
def sign_out_page(request: HttpRequest) -> HttpResponse:
    """End the session."""
    sign_out(request)
    return HttpResponseRedirect("/")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def device_page(request: HttpRequest, key: ApiKey) -> HttpResponse:
    """Confirm the code that a program shows."""
    code = (request.POST if request.method == "POST" else request.GET).get("code", "")
    facts: dict[str, object] = {"code": code[:MAX_FIELD_LENGTH], "account": key.account}
    if request.method != "POST":
        return render(request, "dashboard/device.html", facts)
    try:
        approve_device(key=key, user_code=code[:MAX_FIELD_LENGTH], now=timezone.now())
    except PodwrightError as error:
        return render(
            request, "dashboard/device.html", {**facts, "error": error.message}, status=400
        )
    return render(request, "dashboard/device.html", {**facts, "is_done": True})


def _form(
    request: HttpRequest, destination: str, *, status: int = 200, **facts: object
) -> HttpResponse:
    return render(request, "dashboard/sign_in.html", {"next": destination, **facts}, status=status)
