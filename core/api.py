"""What stands around every call of every contract: the limit, repetitions, entity tags, the body."""

from __future__ import annotations

import hashlib
import json
from http import HTTPStatus
from typing import Any, NoReturn

from django.http import HttpResponse, QueryDict
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from rest_framework import serializers, status
from rest_framework.exceptions import NotAuthenticated, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import idempotency
from core.http_semantics import none_match_hits
from core.idempotency import Claim, StoredAnswer
from core.rate_limits import count_request, limit_headers, refusal
from core.throttles import Tally

#: Answers that ask for the same request once more: they are not kept.
_SEND_AGAIN = frozenset({409, 429, *range(500, 600)})
#: More rows than any account has; a larger offset is as far behind the last row as this one.
MAX_OFFSET = 10**12


class ContractView(APIView):
    """A view that refuses OPTIONS like every other method that the contract does not name."""

    http_method_names = ["get", "head", "post", "patch", "delete"]
    _claim: Claim | None = None
    _tally: Tally | None = None

    def perform_authentication(self, request: Request) -> None:
        """Find out who calls, and count the call; raises `TooManyRequests`."""
        super().perform_authentication(request)
        if request.auth is None:
            return
        self._tally = count_request(account=str(request.user.pk), now=timezone.now())
        if self._tally is not None and self._tally.is_over:
            raise refusal(self._tally)

    def permission_denied(
        self, request: Request, message: str | None = None, code: str | None = None
    ) -> NoReturn:
        """Refuse the call; whoever sent no key at all is told how to send one."""
        if request.authenticators and not request.successful_authenticator:
            raise NotAuthenticated("Send an API key in the header: Authorization: Bearer <key>")
        super().permission_denied(request, message=message, code=code)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """After the caller is known and may call: look whether this was asked and answered before."""
        super().initial(request, *args, **kwargs)
        header = request.headers.get(idempotency.HEADER)
        if request.method != "POST" or header is None or request.auth is None:
            return
        claim = Claim(
            caller=str(request.user.pk),
            key=idempotency.checked_key(header),
            fingerprint=idempotency.fingerprint(
                method="POST", path=request.get_full_path(), data=request.data
            ),
        )
        stored = idempotency.claim_request(claim, now=timezone.now())
        if stored is not None:
            raise _AnsweredBefore(stored)
        self._claim = claim

    def handle_exception(self, exc: Exception) -> Response:
        """As every view, but a repeated request gets its first answer."""
        if isinstance(exc, _AnsweredBefore):
            return exc.response()
        try:
            return super().handle_exception(exc)
        except Exception:
            # A bug of ours: the request may be sent again.
            self._release()
            raise

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """Tell the limit; then, once the answer is rendered, keep it or give it its entity tag."""
        finished = super().finalize_response(request, response, *args, **kwargs)
        if self._tally is not None:
            for name, value in limit_headers(self._tally).items():
                finished.headers[name] = value
        is_read = request.method in {"GET", "HEAD"} and finished.status_code == status.HTTP_200_OK
        # A plain HttpResponse brings an entity tag of its own.
        if is_read and isinstance(finished, Response):
            header = request.headers.get("If-None-Match")
            finished.add_post_render_callback(lambda rendered: _tag(rendered, none_match=header))
        claim = self._claim
        if claim is not None and finished.status_code in _SEND_AGAIN:
            self._release()
        elif claim is not None:
            finished.add_post_render_callback(lambda rendered: _keep(claim, rendered))
        return finished

    def _release(self) -> None:
        if self._claim is not None:
            idempotency.release_request(self._claim)

    def parsed_body(
        self, shape: type[serializers.Serializer[Any]], *, partial: bool = False
    ) -> dict[str, Any]:
        """The body in the given shape; raises `ValidationError` naming the first field at fault."""
        serializer = shape(data=self.request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


class _AnsweredBefore(Exception):
    """Leads from `initial`, which cannot answer, to `handle_exception`, which can."""

    def __init__(self, stored: StoredAnswer) -> None:
        super().__init__()
        self._stored = stored

    def response(self) -> Response:
        """The first answer, marked as a repetition."""
        return Response(
            json.loads(self._stored.body) if self._stored.body else None,
            status=self._stored.status,
            headers={idempotency.REPLAYED_HEADER: "true"},
        )


def _keep(claim: Claim, rendered: HttpResponse) -> None:
    # `no-store` marks answers that hold a secret.
    is_secret = "no-store" in rendered.headers.get("Cache-Control", "")
    idempotency.finish_request(
        claim,
        status=rendered.status_code,
        body=None if is_secret else rendered.content.decode(),
    )


def _tag(rendered: HttpResponse, *, none_match: str | None) -> None:
    """Name the answer by its bytes, and leave them out when the client has them.

    Every client asks again each time, and no shared cache keeps what a key was shown.
    """
    tag = f'"{hashlib.sha256(rendered.content).hexdigest()[:32]}"'
    rendered.headers.setdefault("Cache-Control", "private, no-cache")
    patch_vary_headers(rendered, ["Authorization"])
    rendered.headers["ETag"] = tag
    if none_match_hits(none_match, tag):
        # RFC 9110 section 8.6: the length is that of the answer which is left out.
        rendered.headers["Content-Length"] = str(len(rendered.content))
        rendered.status_code = HTTPStatus.NOT_MODIFIED
        rendered.content = b""
        del rendered.headers["Content-Type"]


def page_bounds(query: QueryDict, *, default_limit: int, max_limit: int) -> tuple[int, int]:
    """`limit`, clamped to `max_limit`, and `offset`; raises `ValidationError` for what is no count."""
    limit = min(_count(query, "limit", default_limit), max_limit)
    return limit, min(_count(query, "offset", 0), MAX_OFFSET)


def _count(query: QueryDict, name: str, default: int) -> int:
    text = query.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit()):
        raise ValidationError({name: ["must be a whole number, 0 or more"]})
    # Longer than any sane number, and than what int() reads: it is clamped anyway.
    return int(text) if len(text) <= len(str(MAX_OFFSET)) else MAX_OFFSET
