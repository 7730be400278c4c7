"""Health probes: `/livez` touches nothing, `/readyz` asks database, broker and storage."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import structlog
from celery import current_app
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connection
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.urls import resolve
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu import Queue

log = structlog.get_logger(__name__)


@require_safe
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers at all."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """200 when everything that requests need answers, else 503 with what does not."""
    checks = {name: _passes(name, check) for name, check in CHECKS.items()}
    healthy = all(checks.values())
    return JsonResponse(
        {"status": "ok" if healthy else "unavailable", "checks": checks},
        status=200 if healthy else 503,
    )


class ProbeMiddleware:
    """Answers probes whatever host they name.

    Orchestrators ask by the address of a container, and load balancers in HTTP/1.0 without any.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The probe's answer, before anything looks at the request."""
        if request.path not in PROBES:
            return self.get_response(request)
        request.resolver_match = resolve(request.path)
        return PROBES[request.path](request)


def _passes(name: str, check: Callable[[], object]) -> bool:
    try:
        check()
    except Exception as error:  # noqa: BLE001 - whatever a driver raises, the answer is "not ready"
        log.warning("readiness_check_failed", check=name, error=type(error).__name__)
        return False
    return True


def _check_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _check_broker() -> None:
    with current_app.connection_for_write(connect_timeout=2) as broker:
        # A round trip: making a channel alone would not touch messages that are files.
        broker.ensure_connection(max_retries=0, timeout=2)
        Queue(current_app.conf.task_default_queue, channel=broker.default_channel).queue_declare()


def _check_storage() -> None:
    if isinstance(default_storage, FileSystemStorage):
        _check_writable(Path(default_storage.location))
    else:
        default_storage.exists("readyz")


def _check_writable(folder: Path) -> None:
    """The folder, or while nothing is stored yet the one that it will be made in."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    with tempfile.TemporaryFile(dir=existing):
        pass


CHECKS: dict[str, Callable[[], object]] = {
    "database": _check_database,
    "broker": _check_broker,
    "storage": _check_storage,
}

PROBES: dict[str, Callable[[HttpRequest], HttpResponseBase]] = {"/livez": live, "/readyz": ready}
