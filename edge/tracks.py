"""The counted address of an episode at the door: notes a hit and sends the listener on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from django.utils.encoding import iri_to_uri

from analytics.delivery import redirect_answer
from analytics.hits import HitKind
from analytics.listening import HitRecorder, Listening, UsualHits
from edge.answers import Answer, make_answer
from episodes.addresses import PublishedAudio

#: What all redirects have in common, so that none has a copy of its own.
_REDIRECT = redirect_answer("")
_SAME = make_answer(_REDIRECT.status, _REDIRECT.headers)
_REST = [pair for pair in _SAME.headers if pair[0] != "Location"]


class TrackEntry:
    """One published episode's redirect: 302 to its audio, one hit for every GET."""

    __slots__ = ("_hits", "_redirect", "address", "slot", "stamp", "used", "weight")

    def __init__(self, audio: PublishedAudio, recorder: HitRecorder) -> None:
        headers = (("Location", iri_to_uri(audio.address)), *_REST)
        self._redirect = _SAME._replace(headers=list(headers))
        listening = Listening(
            kind=HitKind.TRACK,
            episode_id=audio.episode_id,
            show_id=audio.show_id,
            asset_id=audio.asset_id,
            status=_REDIRECT.status,
        )
        self._hits = UsualHits(recorder, listening)
        self.address = ""
        self.slot = self.stamp = self.weight = 0
        self.used = True

    def answer(self, environ: Mapping[str, object]) -> Answer:
        """The redirect; a HEAD is not counted."""
        if environ["REQUEST_METHOD"] == "GET":
            self._hits.note(environ, time_ms=time.time_ns() // 1_000_000)
        return self._redirect

    def kept(self, is_current: Callable[[], bool]) -> None:
        """There is nothing that a web server could send by itself."""

    def measure(self) -> int:
        """There is nothing that could be had again."""
        return 0

    def shed(self) -> None:
        """There is nothing to give up."""
