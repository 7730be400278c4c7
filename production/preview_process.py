"""Speaks a short text once, as a program of its own, so that a web process need not hold a voice.

It reads one JSON object from standard input (`engine`, `spoken`, `voice`, `options`, `file_type`) and
writes a WAV or MP3 file to standard output, or to standard error the sentence that says why not.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import soundfile

from core.errors import PodwrightError
from production.encoding import DELAY_SAMPLES, Mp3Writer
from production.trimming import prepare_speech
from production.voices.base import Speech
from production.voices.engines import EngineOptions, make_engine

REFUSED = 3


def main() -> int:
    """Do it; the exit code is REFUSED for what a person can mend."""
    job = json.load(sys.stdin)
    options = EngineOptions(**{**job["options"], "voices_dir": Path(job["options"]["voices_dir"])})
    try:
        speech = make_engine(job["engine"], options).render(job["spoken"], voice=job["voice"])
        if job["file_type"] == "mp3":
            speech = prepare_speech(speech, spoken=job["spoken"], speed=1.0)
    except PodwrightError as error:
        sys.stderr.write(error.message)
        return REFUSED
    sys.stdout.buffer.write(_mp3(speech) if job["file_type"] == "mp3" else _wav(speech))
    return 0


def _wav(speech: Speech) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, speech.samples, speech.sample_rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def _mp3(speech: Speech) -> bytes:
    """Needs speech at the sample rate of `prepare_speech`."""
    buffer = io.BytesIO()
    writer = Mp3Writer(buffer)
    writer.write(np.zeros(DELAY_SAMPLES, np.float32))
    writer.write(speech.samples)
    writer.finish()
    return buffer.getvalue()


if __name__ == "__main__":
    sys.exit(main())
