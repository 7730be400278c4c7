"""Speaks a short text once, as a program of its own, so that a web process need not hold a voice.

It reads one JSON object from standard input (`engine`, `spoken`, `voice`, `options`) and writes a WAV
file to standard output, or to standard error the sentence that says why not.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import soundfile

from core.errors import PodwrightError
from production.voices.engines import EngineOptions, make_engine

REFUSED = 3


def main() -> int:
    """Do it; the exit code is REFUSED for what a person can mend."""
    job = json.load(sys.stdin)
    options = EngineOptions(**{**job["options"], "voices_dir": Path(job["options"]["voices_dir"])})
    try:
        speech = make_engine(job["engine"], options).render(job["spoken"], voice=job["voice"])
    except PodwrightError as error:
        sys.stderr.write(error.message)
        return REFUSED
    buffer = io.BytesIO()
    soundfile.write(buffer, speech.samples, speech.sample_rate, format="WAV", subtype="PCM_16")
    sys.stdout.buffer.write(buffer.getvalue())
    return 0


if __name__ == "__main__":
    sys.exit(main())
