"""Counting: hits a second into SQLite and PostgreSQL, and how much memory a long run takes.

    python bench/count_hits.py [--hits 300000] [--rounds 3] [--flat 5000000] [--databases sqlite] [--quick]

Each round makes a fresh database, writes sealed segments of hits (1,000 shows of 10 episodes, 200
agents, every second listener new) and counts them by the counter itself, archive included. Printed
are the median of hits a second (targets here: 10,000 into SQLite, 20,000 into PostgreSQL), the ratio
to a floor in the same run (the same lines unpacked and put into one bare table in the same
transactions), hits a second of the process's own CPU, which a busy machine moves less, and its memory
after a tenth, a fifth, a half and all of the run (target: flat). `--flat N` is one more run of N hits
for the memory alone.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

SEGMENT_HITS = 10_000
SHOWS, EPISODES = 1_000, 10_000
AGENTS = 200
DATABASES = ("sqlite", "postgresql")
#: Tenths of the run after which the memory is read.
PARTS = (1, 2, 5, 10)


def main() -> None:
    arguments = _arguments()
    if arguments.child:
        _count_here(arguments.hits)
        return
    hits, rounds = (20_000, 1) if arguments.quick else (arguments.hits, arguments.rounds)
    for name in arguments.databases if rounds else ():
        results = [_round(name, hits) for _ in range(rounds)]
        _report(name, results)
    if arguments.flat and not arguments.quick:
        name = arguments.databases[0]
        _report(f"{name}, memory", [_round(name, arguments.flat)])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hits", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--flat", type=int, default=0, help="hits of one more run for the memory")
    parser.add_argument(
        "--databases", nargs="+", choices=DATABASES, default=list(DATABASES), metavar="NAME"
    )
    parser.add_argument("--quick", action="store_true", help="small numbers, to see that it works")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _round(name: str, hits: int) -> dict[str, float]:
    """One run in a process of its own, with a database of its own."""
    from tests.servers import postgresql_server  # noqa: PLC0415 - needs the development packages

    with tempfile.TemporaryDirectory(prefix="podwright-bench-") as text:
        folder = Path(text)
        server = postgresql_server(folder) if name == "postgresql" else nullcontext("")
        with server as address:
            environment = {
                **os.environ,
                "DATA_DIR": str(folder / "data"),
                "SECRET_KEY": "x" * 50,
                "DATABASE_URL": address or f"sqlite:///{folder}/bench.sqlite3",
                "DJANGO_SETTINGS_MODULE": "config.settings",
            }
            command = [sys.executable, __file__, "--child", "--hits", str(hits)]
            done = subprocess.run(
                command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
            )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _report(name: str, results: list[dict[str, float]]) -> None:
    def median(key: str) -> float:
        return statistics.median(one[key] for one in results)

    print(
        f"{name}: {median('per_second'):,.0f} hits/s, {median('ratio'):.2f} of the floor "
        f"({median('floor_per_second'):,.0f}/s), {median('per_cpu_second'):,.0f} a CPU second, "
        f"{median('downloads'):,.0f} downloads, memory "
        + " -> ".join(f"{median(f'mib_{part}'):.0f}" for part in PARTS)
        + " MiB"
    )


def _count_here(hits: int) -> None:
    import django  # noqa: PLC0415 - the settings are known only in the child

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    (Path(os.environ["DATA_DIR"]) / "spool").mkdir(parents=True)
    call_command("migrate", verbosity=0)
    _make_world()
    print(json.dumps(_measure(hits)))


def _make_world() -> None:
    from django.utils import timezone  # noqa: PLC0415

    from accounts.models import Account  # noqa: PLC0415
    from analytics.models import Counter, EpisodeTotal  # noqa: PLC0415

    now = timezone.now()
    Account.objects.bulk_create(Account(pk=n, created_at=now) for n in range(1, 101))
    Counter.objects.create(pk=1)
    EpisodeTotal.objects.bulk_create(
        EpisodeTotal(
            pk=n,
            show_id=n % SHOWS + 1,
            account_id=n % SHOWS % 100 + 1,
            published_at=now - timezone.timedelta(days=30),
        )
        for n in range(1, EPISODES + 1)
    )


def _measure(hits: int) -> dict[str, float]:
    import psutil  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from analytics.counting import BatchCounter  # noqa: PLC0415
    from analytics.feeding import count_segments  # noqa: PLC0415
    from analytics.methods import Method  # noqa: PLC0415
    from analytics.models import Download  # noqa: PLC0415
    from analytics.segments import hit_store  # noqa: PLC0415

    process = psutil.Process()
    counter, store = BatchCounter(Method()), hit_store()
    maker = _Maker()
    # Agents are named once and then remembered; that is not what is measured.
    count_segments(counter, store, [maker.segment(AGENTS * 2)], now=timezone.now())
    seconds = floor_seconds = cpu = 0.0
    memory: dict[str, float] = {}
    done = 0
    while done < hits:
        segment = maker.segment(min(SEGMENT_HITS, hits - done))
        begun, worked = time.perf_counter(), time.process_time()
        count_segments(counter, store, [segment], now=timezone.now())
        seconds += time.perf_counter() - begun
        cpu += time.process_time() - worked
        if done < 100_000:
            floor_seconds += _floor(segment[1])
            floor_done = done + SEGMENT_HITS
        done += SEGMENT_HITS
        for part in PARTS:
            if done >= hits * part / 10:
                memory.setdefault(f"mib_{part}", process.memory_info().rss / 2**20)
    floor_rate = min(floor_done, hits) / floor_seconds
    return {
        "per_second": hits / seconds,
        "floor_per_second": floor_rate,
        "ratio": hits / seconds / floor_rate,
        "per_cpu_second": hits / cpu,
        "downloads": Download.objects.count(),
        **memory,
    }


def _floor(content: bytes) -> float:
    """The same lines unpacked and stored as they come, without any rule."""
    from django.db import connection, transaction  # noqa: PLC0415

    from analytics.hits import unpack  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS bench_floor (at bigint, episode bigint, who text)"
        )
    begun = time.perf_counter()
    hits = [unpack(line) for line in content.splitlines()]
    rows = [(hit.time_ms, hit.episode_id, hit.listener) for hit in hits]
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.cursor.copy("COPY bench_floor FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            cursor.executemany("INSERT INTO bench_floor VALUES (%s, %s, %s)", rows)
    return time.perf_counter() - begun


class _Maker:
    """Makes segments whose hits go on in time."""

    def __init__(self) -> None:
        self._chance = random.Random(1)
        self._listeners = [self._key() for _ in range(5_000)]
        self._number = 0
        self._begun = int(time.time() * 1_000) - 3_600_000

    def segment(self, hits: int) -> tuple[str, bytes]:
        lines = [self._hit().pack() for _ in range(hits)]
        self._number += 1
        return f"{self._begun:013d}-{self._number:012x}.hits", b"".join(lines)

    def _hit(self) -> Any:
        from analytics.hits import Hit, HitKind, new_hit_id  # noqa: PLC0415

        self._begun += 1 if self._chance.random() < 0.05 else 0
        if self._chance.random() < 0.5:
            listener = self._chance.choice(self._listeners)
        else:
            listener = self._key()
            self._listeners[self._chance.randrange(5_000)] = listener
        episode = min(int(self._chance.paretovariate(0.6)), EPISODES)
        return Hit(
            time_ms=self._begun,
            hit_id=new_hit_id(time_ms=self._begun),
            episode_id=episode,
            show_id=episode % SHOWS + 1,
            asset_id=None,
            kind=HitKind.TRACK,
            method="GET",
            status=302,
            requested_range="",
            answer_start=0,
            answer_length=0,
            salt_day="2026-01-01",
            listener=listener,
            previous_listener=listener[::-1],
            user_agent=f"AntennaPod/3.{self._chance.randrange(AGENTS)}",
            referrer_host="",
            is_prefetch=False,
            country="CH",
            audience_period=640,
            audience=listener[:16],
            previous_audience=listener[16:],
            network=listener[:16],
            previous_network=listener[16:],
        )

    def _key(self) -> str:
        return f"{self._chance.getrandbits(128):032x}"


if __name__ == "__main__":
    main()
