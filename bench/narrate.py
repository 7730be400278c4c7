"""The whole narration, from POST to complete, as a ratio to the bare engine on the same sentences.

    python bench/narrate.py [--words 9000] [--rounds 3]

One fresh Podwright per round, on one core and then on all, is asked to narrate a text; the bare
engine then speaks the very sentences that the production stored, in one process on one core.
`ratio` = bare seconds / (pipeline seconds x cores): 1.0 would mean that fetching, loudness, limiter,
MP3, transcripts and the database cost nothing. The target is 0.7 for each.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
POLL_SECONDS = 0.1
TIME_LIMIT_SECONDS = 900

PARAGRAPHS = (ROOT / "bench/texts/railway.txt").read_text(encoding="utf-8").split("\n\n")


@dataclass(frozen=True, slots=True)
class Figures:
    """What one round measured."""

    cores: int
    pipeline_seconds: float
    bare_seconds: float
    audio_seconds: float
    sentences: int
    peak_mebibytes: dict[str, float]

    @property
    def ratio(self) -> float:
        return self.bare_seconds / (self.pipeline_seconds * self.cores)


def main() -> None:
    arguments = _arguments()
    text = _text(arguments.words)
    every = sorted(os.sched_getaffinity(0))
    for cores in [every[:1], every] if len(every) > 1 else [every]:
        rounds = [_round(text, cores) for _ in range(arguments.rounds)]
        _report(rounds)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--words", type=int, default=7_500, help="length of the text")
    parser.add_argument(
        "--rounds", type=int, default=3, help="fresh starts for each number of cores"
    )
    return parser.parse_args()


def _text(words: int) -> str:
    """Paragraphs that differ by their number, so that no sentence is answered from the cache."""
    parts: list[str] = []
    count = number = 0
    while count < words:
        number += 1
        if number % 12 == 1:
            parts.append(f"## Part {number // 12 + 1}")
        paragraph = PARAGRAPHS[number % len(PARAGRAPHS)]
        varied = re.sub(r"\.\s", f", said witness {number}. ", paragraph)
        parts.append(varied)
        count += len(varied.split())
    return "\n\n".join(parts)[:49_900]


def _round(text: str, cores: list[int]) -> Figures:
    with tempfile.TemporaryDirectory(prefix="podwright-bench-") as folder:
        server = Server(Path(folder), cores)
        try:
            server.start()
            pipeline, episode = server.narrate(text)
        finally:
            server.stop()
        spoken = server.spoken_sentences(episode["id"])
    return Figures(
        cores=len(cores),
        pipeline_seconds=pipeline,
        bare_seconds=_bare_engine_seconds(spoken, cores[0]),
        audio_seconds=episode["duration_seconds"],
        sentences=len(spoken),
        peak_mebibytes=server.peaks,
    )


class Server:
    """`manage.py up` in a folder of its own, held to some cores, its memory sampled."""

    def __init__(self, folder: Path, cores: list[int]) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.folder = folder
        self.cores = cores
        self.peaks: dict[str, float] = {}
        self._ended = threading.Event()

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DATA_DIR": str(self.folder / "data"),
            "PORT": str(self.port),
            "WORKERS": "1",
            "TTS_ENGINE": "hibari",
        }

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "up"],
            cwd=ROOT,
            env=self.environment,
            stdout=(self.folder / "out").open("wb"),
            stderr=(self.folder / "err").open("wb"),
            preexec_fn=lambda: os.sched_setaffinity(0, self.cores),  # noqa: PLW1509 - no threads yet
        )
        threading.Thread(target=self._sample_memory, daemon=True).start()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self._is_ready():
                break
            time.sleep(0.1)
        else:
            raise SystemExit((self.folder / "err").read_text()[-2000:])
        found = re.search(r"pc_live_\w+", (self.folder / "out").read_text())
        assert found is not None, "up printed no key"
        self.key = found[0]
        # A worker that has just started loads its voice with the first sentence, like every later
        # one; a short text first keeps that start out of the figure.
        self.narrate("This sentence only warms the voice up. " * 5)

    def narrate(self, text: str) -> tuple[float, dict[str, object]]:
        """Seconds from POST to complete, and the finished episode."""
        started = time.perf_counter()
        made = self.call("POST", "/api/v1/episodes", {"source_type": "text", "text": text})
        while True:
            episode = self.call("GET", f"/api/v1/episodes/{made['id']}")["episode"]
            if episode["status"] == "complete":
                return time.perf_counter() - started, episode
            assert episode["status"] != "failed", episode["error_message"]
            assert time.perf_counter() - started < TIME_LIMIT_SECONDS, "took too long"
            time.sleep(POLL_SECONDS)

    def spoken_sentences(self, episode_id: object) -> list[str]:
        """What the production gave to the engine, read back from its stored script."""
        code = textwrap.dedent(f"""
            import json
            from production.models import Production
            from production.script import Script
            row = Production.objects.get(episode__public_id={str(episode_id)!r})
            script = Script.from_json(row.script)
            print("SPOKEN", json.dumps([placed.sentence.spoken for placed in script.sentences()]))
        """)
        shell = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), "shell", "-c", code],
            cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        line = next(line for line in shell.stdout.splitlines() if line.startswith("SPOKEN "))
        return list(json.loads(line.removeprefix("SPOKEN ")))

    def stop(self) -> None:
        self._ended.set()
        self.process.send_signal(signal.SIGTERM)
        # On a busy machine the end takes longer than the seven seconds that it is meant to.
        self.process.wait(timeout=90)

    def call(self, method: str, path: str, body: object = None) -> dict:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}/readyz", timeout=2
            ) as answer:
                return answer.status == 200
        except OSError:
            return False

    def _sample_memory(self) -> None:
        while not self._ended.wait(0.2):
            for process in psutil.Process(self.process.pid).children(recursive=True):
                try:
                    name = kind_of(process.cmdline())
                    used = process.memory_info().rss / 2**20
                except psutil.Error:
                    continue
                self.peaks[name] = max(self.peaks.get(name, 0.0), used)


#: What tells a process of the tree by its command line, the first that fits.
_MARKS = (
    ("spawn_main", "renderer"),
    ("celery beat", "clock"),
    ("celeryd", "worker"),
    ("podwright web", "web"),
)


def kind_of(command: list[str]) -> str:
    line = " ".join(command)
    return next((kind for mark, kind in _MARKS if mark in line), "other")


_BARE = """
import json, sys, time
from hibari import Hibari
sentences = json.load(sys.stdin)
engine = Hibari(threads=1)
engine("Warm up.", seed=0)
started = time.perf_counter()
for sentence in sentences:
    engine(sentence, seed=0)
print(time.perf_counter() - started)
"""


def _bare_engine_seconds(sentences: list[str], core: int) -> float:
    """Seconds that hibari alone needs for the sentences, one process on one core."""
    bare = subprocess.run(
        [sys.executable, "-c", _BARE],
        input=json.dumps(sentences), capture_output=True, text=True, check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: os.sched_setaffinity(0, [core]),
    )  # fmt: skip
    return float(bare.stdout)


def _report(rounds: list[Figures]) -> None:
    last = rounds[-1]
    ratio = statistics.median(figures.ratio for figures in rounds)
    seconds = statistics.median(figures.pipeline_seconds for figures in rounds)
    bare = statistics.median(figures.bare_seconds for figures in rounds)
    peaks = ", ".join(f"{name} {used:.0f}" for name, used in sorted(last.peak_mebibytes.items()))
    print(
        f"cores {last.cores}: {last.sentences} sentences, {last.audio_seconds} s of audio; "
        f"pipeline {seconds:.1f} s, bare engine on one core {bare:.1f} s; "
        f"ratio per core {ratio:.2f} (target 0.70); peak MiB: {peaks}"
    )


if __name__ == "__main__":
    main()
