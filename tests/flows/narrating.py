# ruff: noqa: S310, S314 - addresses and feeds of the test's own server
"""A client of a running Podwright: narrates, waits, reads the feed; and what a listener would measure."""

from __future__ import annotations

import io
import json
import urllib.request
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pyloudnorm
import soundfile
from mutagen.id3 import ID3

from tests.flows.running import PATIENCE_SECONDS, RunningUp, wait_until


@dataclass(frozen=True, slots=True)
class Client:
    """Speaks the PodRead contract with the key that the first start printed."""

    base: str
    key: str

    @classmethod
    def of(cls, running: RunningUp) -> Client:
        printed = running.printed()
        return cls(running.url, next(w for w in printed.split() if w.startswith("pc_live_")))

    def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        request = urllib.request.Request(
            self.base + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return json.load(answer)

    def narrate(self, **source: str) -> str:
        return str(self.call("POST", "/api/v1/episodes", source)["id"])

    def episode(self, public_id: str) -> dict[str, Any]:
        return dict(self.call("GET", f"/api/v1/episodes/{public_id}")["episode"])

    def wait_for(self, public_id: str, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """The episode once it has come to an end."""
        wait_until(lambda: self._has_ended(public_id), seconds)
        return self.episode(public_id)

    def _has_ended(self, public_id: str) -> bool:
        try:
            return self.episode(public_id)["status"] in {"complete", "failed"}
        except OSError:  # a killed web server is on its way back
            return False

    def feed(self) -> ET.Element:
        return ET.fromstring(fetch(self.call("GET", "/api/v1/feed")["feed_url"]))


@dataclass(frozen=True, slots=True)
class Heard:
    """An MP3 as a listener gets it."""

    content: bytes
    samples: np.ndarray
    rate: int

    @classmethod
    def at(cls, url: str) -> Heard:
        content = fetch(url)
        samples, rate = soundfile.read(io.BytesIO(content), dtype="float32")
        return cls(content, samples, rate)

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate

    @property
    def loudness(self) -> float:
        return float(pyloudnorm.Meter(self.rate).integrated_loudness(self.samples))

    @property
    def longest_silence(self) -> float:
        """Seconds of the longest stretch that stays under -50 dBFS."""
        loud = np.flatnonzero(np.abs(self.samples) > 10 ** (-50 / 20))
        edges = np.concatenate([[0], loud, [len(self.samples)]])
        return float(np.diff(edges).max() / self.rate)

    @property
    def chapter_titles(self) -> list[str]:
        frames = sorted(self.tags.getall("CHAP"), key=lambda frame: frame.start_time)
        return [frame.sub_frames["TIT2"].text[0] for frame in frames]

    @property
    def tags(self) -> ID3:
        return ID3(io.BytesIO(self.content))


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:
        return bytes(answer.read())
