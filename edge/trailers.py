"""A show's trailer at the door: a stored file under an address that stays when the file is made anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from django.core.files.storage import FileSystemStorage, default_storage

from analytics.delivery import Answer as MediaAnswer
from core.storage import open_stored
from edge.answers import Answer, bare_refusal, make_answer
from edge.media import MediaEntry

#: What contracts/podclaw.md E9 promises.
_CACHE_CONTROL = "public, max-age=86400"
_LOST = bare_refusal(404, {"Cache-Control": "no-store"})


class TrailerEntry(MediaEntry):
    """Always the sound itself, never a redirect: directories read the headers of this address."""

    __slots__ = ()

    def answer(self, environ: Mapping[str, object]) -> Answer:
        """The file or a part of it; from an object store it comes through here, as it is small."""
        if isinstance(default_storage, FileSystemStorage):
            return super().answer(environ)
        answer = self._part(environ, size=self._file.bytes)
        hit = self._note(environ, answer)
        if environ["REQUEST_METHOD"] == "HEAD" or answer.length == 0:
            return make_answer(answer.status, answer.headers)
        try:
            with open_stored(self._file.storage_key) as source:
                source.seek(answer.start)
                piece = source.read(answer.length)
        except OSError:
            return _LOST
        self._note_sent(hit, len(piece))
        return make_answer(answer.status, answer.headers, [piece])

    def _part(self, environ: Mapping[str, object], *, size: int) -> MediaAnswer:
        answer = super()._part(environ, size=size)
        return replace(answer, headers={**answer.headers, "Cache-Control": _CACHE_CONTROL})
