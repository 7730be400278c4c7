"""All addresses, and the JSON answers for those under /api, /v1 and /mcp that do not exist."""

from __future__ import annotations

import sys

from django.contrib import admin
from django.core.exceptions import DisallowedHost
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.views import defaults

from config.openapi import PodClawOpenApiView
from core.podclaw import error_body
from dashboard.admin_sign_in import AdminSignInForm
from studio import jellypod

JSON_PREFIXES = ("/api", "/v1", "/mcp")
#: A database that starts again is there again within seconds.
RETRY_AFTER_SECONDS = 5

admin.site.site_header = admin.site.site_title = "Podwright"
admin.site.login_form = AdminSignInForm

urlpatterns = [
    path("", include("core.urls")),
    path("", include("keys.urls")),
    path("", include("billing.urls")),
    path("", include("webhooks.urls")),
    path("", include("shows.urls")),
    path("", include("narration.urls")),
    path("", include("episodes.urls")),
    path("", include("feeds.urls")),
    path("", include("edge.urls")),
    path("", include("analytics.urls")),
    path("", include("studio.urls")),
    path("", include("dashboard.urls")),
    path("admin/", admin.site.urls),
    path("api/openapi.json", PodClawOpenApiView.as_view(), name="openapi"),
]


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith(JSON_PREFIXES)


def _body(request: HttpRequest, code: str, message: str) -> dict[str, object]:
    """The refusal as the contract of the address writes it."""
    if request.path == "/v1" or request.path.startswith("/v1/"):
        return jellypod.error_body(code, message)
    return error_body(message)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: what Django refuses before any view, such as an unknown host."""
    if _is_api(request):
        reason = "Bad request"
        if isinstance(exception, DisallowedHost):
            reason = "This host name is not served here; set PUBLIC_URL or ALLOWED_HOSTS."
        return JsonResponse(_body(request, "bad_request", reason), status=400)
    return defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404 for addresses that no route knows."""
    if _is_api(request):
        return JsonResponse(_body(request, "not_found", "Not found"), status=404)
    if request.path.startswith("/feeds/"):
        # Like an unknown token: podcast apps get no page that they would take for a feed.
        return HttpResponse(status=404, headers={"Cache-Control": "no-store"})
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """500 for a bug of ours, 503 as long as the database cannot serve.

    The log line has the request id that the answer's header repeats.
    """
    # Django calls this while it handles the error.
    unavailable = isinstance(sys.exception(), OperationalError | InterfaceError)
    status = 503 if unavailable else 500
    if _is_api(request):
        reason = "Internal error. The X-Request-Id header names it in the log."
        if unavailable:
            reason = "The database cannot serve now. Send the request again in a few seconds."
        response: HttpResponse = JsonResponse(
            _body(request, "internal_error", reason), status=status
        )
    else:
        response = defaults.server_error(request)
        response.status_code = status
    if unavailable:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


handler400 = "config.urls.bad_request"
handler404 = "config.urls.not_found"
handler500 = "config.urls.server_error"
