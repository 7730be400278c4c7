"""Rules about the source text that no linter knows."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

from config.env import BASE_DIR

APPS = (
    "accounts", "analytics", "billing", "config", "core", "dashboard", "edge", "episodes", "feeds",
    "keys", "narration", "production", "shows", "studio", "webhooks",
)  # fmt: skip
SOURCES = sorted(
    path
    for app in APPS
    for path in (BASE_DIR / app).rglob("*.py")
    if "migrations" not in path.parts
)
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "tools", "lib"}


def named(path: Path) -> str:
    return str(path.relative_to(BASE_DIR))


def breaking(pattern: str, *, allowed: tuple[str, ...] = (), files: str = "*.py") -> list[str]:
    """Where the pattern stands in code, outside of the files that may have it."""
    expression = re.compile(pattern)
    return [
        f"{named(path)}:{number}"
        for path in SOURCES
        if path.match(files) and named(path) not in allowed
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if expression.search(line.partition("#")[0])
    ]


def test_there_are_sources() -> None:
    assert len(SOURCES) > 100


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_every_module_says_its_responsibility_in_one_sentence(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text()))

    assert docstring, "has no docstring"
    assert docstring.splitlines()[0].endswith(".")


def test_no_file_has_a_vague_name() -> None:
    everything = [
        path for path in SOURCES if VAGUE & {path.stem, *path.relative_to(BASE_DIR).parts}
    ]

    assert everything == []


def test_only_the_queue_sends_tasks() -> None:
    assert breaking(r"\.(delay|apply_async|send_task)\(", allowed=("core/queue.py",)) == []


def test_no_task_waits_in_the_broker() -> None:
    assert breaking(r"\b(countdown|eta)=") == []


def test_only_one_module_reads_the_environment() -> None:
    # core/parent.py hands one internal variable to children; the others name the settings module.
    allowed = ("config/env.py", "core/parent.py")

    found = breaking(r"\bos\.(environ|getenv)\b", allowed=allowed)

    sets_the_module = [
        f"{named(path)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if line.startswith('os.environ.setdefault("DJANGO_SETTINGS_MODULE"')
    ]
    assert sorted(found) == sorted(sets_the_module)


@pytest.mark.parametrize("files", ["*/services.py", "*/querysets.py", "*/models.py"])
def test_the_domain_is_told_the_time(files: str) -> None:
    assert breaking(r"timezone\.now\(|datetime\.now\(|time\.time\(", files=files) == []


def test_only_the_outbound_client_speaks_http() -> None:
    # Others may use httpx for its addresses and errors, and httpcore for the guard itself.
    speaks = r"httpx\.(get|post|put|delete|head|request|stream|Client|AsyncClient)\b"
    imports = r"^\s*(import|from) (requests|urllib3|urllib\.request|http\.client|aiohttp)\b"

    assert breaking(f"{speaks}|{imports}", allowed=("core/http.py",)) == []


def test_nothing_is_left_to_do() -> None:
    assert breaking(r"raise NotImplementedError|\bbreakpoint\(") == []
    assert [
        named(path) for path in SOURCES if re.search(r"\b(TODO|FIXME|XXX)\b", path.read_text())
    ] == []


def test_the_locks_name_no_host() -> None:
    for name in ("requirements.lock", "requirements-dev.lock", "requirements-models.lock"):
        assert re.findall(r"https?://|^--", (BASE_DIR / name).read_text(), re.MULTILINE) == []


def test_the_development_lock_holds_what_runs() -> None:
    pins = [
        set(re.findall(r"^([a-z0-9_.\[\]-]+==\S+)", (BASE_DIR / name).read_text(), re.MULTILINE))
        for name in ("requirements.lock", "requirements-dev.lock")
    ]

    assert pins[0]
    assert pins[0] <= pins[1]


def test_make_help_names_every_target_that_people_type() -> None:
    answer = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert {"run", "test", "check", "bench"} <= set(
        re.findall(r"^  make (\S+)", answer, re.MULTILINE)
    )


def test_every_decision_has_a_number_of_its_own() -> None:
    records = sorted((BASE_DIR / "docs/decisions").glob("*.md"))
    numbers = [int(path.name.split("-")[0]) for path in records]

    assert len(numbers) == len(set(numbers))
    for number, path in zip(numbers, records, strict=True):
        assert path.read_text().startswith(f"# {number}. ")
