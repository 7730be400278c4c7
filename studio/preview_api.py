"""The address behind a voice's `preview_url`: a short MP3 file for the players of browsers."""

from __future__ import annotations

from http import HTTPStatus

from django.http.response import HttpResponseBase
from rest_framework.request import Request

from core.bare_response import bare_response
from core.http_semantics import (
    RangeUnsatisfiable,
    none_match_hits,
    range_still_valid,
    requested_range,
)
from production.voice_samples import CONTENT_TYPE, voice_sample
from studio.descriptions import VOICE_PREVIEW_OPERATIONS
from studio.views import JellypodView
from studio.voices import find_voice


class VoicePreviewView(JellypodView):
    """An addition of ours; without a key, as an `<audio>` element asks for it."""

    authentication_classes = []
    permission_classes = []
    operations = VOICE_PREVIEW_OPERATIONS

    def get(self, request: Request, voice_id: int) -> HttpResponseBase:
        """200, 206 for a part (RFC 9110 section 14), 304, or 416."""
        path = voice_sample(find_voice(voice_id))
        entity_tag = f'"{path.stem}"'
        headers = {
            "Accept-Ranges": "bytes",
            "Cache-Control": "public, max-age=86400",
            "ETag": entity_tag,
        }
        if none_match_hits(request.headers.get("If-None-Match"), entity_tag):
            return bare_response(HTTPStatus.NOT_MODIFIED, headers)
        content = path.read_bytes()
        asked = request.headers.get("Range")
        if not range_still_valid(request.headers.get("If-Range"), entity_tag):
            asked = None
        try:
            part = requested_range(asked, size=len(content))
        except RangeUnsatisfiable:
            headers["Content-Range"] = f"bytes */{len(content)}"
            return bare_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers)
        headers["Content-Type"] = CONTENT_TYPE
        if part is None:
            return bare_response(HTTPStatus.OK, headers, content)
        headers["Content-Range"] = part.content_range(len(content))
        body = content[part.start : part.start + part.length]
        return bare_response(HTTPStatus.PARTIAL_CONTENT, headers, body)
