"""Reading: server time of E23 to E26 on 10 million downloads of 1,000 shows, and its growth from 1 million.

    python bench/read_analytics.py [--downloads 10000000] [--calls 60] [--databases sqlite] [--quick]

The sums are drawn at random and written by the counter's own `add_sums`, `add_totals` and `write_sets`
(rows of single downloads are left out, since no answer reads them): one account with 1,000 shows of 50
episodes, each heard on any day of a year, audiences falling as 1/rank, 20 apps. Printed are median and
p95 of each answer in the process itself (target: p95 under 50 ms), its CPU, the growth from a tenth of
the downloads (target: under 1.5), and as the floor GET of one show by the same key.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

EPISODES, DAYS, APPS = 50, 365, 20
SHOWS = 1_000
DATABASES = ("sqlite", "postgresql")
TODAY = date.today()  # noqa: DTZ011 - any day does


def main() -> None:
    arguments = _arguments()
    downloads, calls = (20_000, 5) if arguments.quick else (arguments.downloads, arguments.calls)
    shows = 20 if arguments.quick else SHOWS
    for database in arguments.databases:
        few = _measure(database, downloads // 10, calls, shows)
        many = _measure(database, downloads, calls, shows)
        print(f"{database}: seeded {downloads:,} downloads in {many.pop('seed')[0]:.0f} s")
        for name, (median, p95, cpu) in many.items():
            growth, work = median / few[name][0], cpu / few[name][2]
            print(
                f"  {name}: {median:.1f} ms, p95 {p95:.1f} ms, CPU {cpu:.1f} ms; "
                f"{growth:.2f} times that of a tenth (CPU {work:.2f})"
            )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--downloads", type=int, default=10_000_000)
    parser.add_argument("--calls", type=int, default=60)
    parser.add_argument(
        "--databases", nargs="+", choices=DATABASES, default=list(DATABASES), metavar="NAME"
    )
    parser.add_argument("--quick", action="store_true", help="small numbers, to see that it works")
    parser.add_argument("--child", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--shows", type=int, default=SHOWS, help=argparse.SUPPRESS)
    return parser.parse_args()


def _measure(
    database: str, downloads: int, calls: int, shows: int
) -> dict[str, tuple[float, float, float]]:
    """In a process of its own, since Django takes its settings once."""
    from tests.servers import postgresql_server  # noqa: PLC0415 - needs the development packages

    with tempfile.TemporaryDirectory(prefix="podwright-bench-") as folder:
        server = (
            postgresql_server(Path(folder))
            if database == "postgresql"
            else contextlib.nullcontext()
        )
        with server as address:
            environment = {
                **os.environ,
                "DATA_DIR": folder,
                "SECRET_KEY": "x" * 50,
                "DATABASE_URL": address or f"sqlite:///{folder}/bench.sqlite3",
                "DEFAULT_PLAN": "agent_pro",
                "REQUESTS_PER_MINUTE": "1000000",
                "DJANGO_SETTINGS_MODULE": "config.settings",
            }
            command = [sys.executable, __file__, "--child", str(downloads), "--calls", str(calls)]
            command += ["--shows", str(shows)]
            done = subprocess.run(
                command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
            )
    return {name: tuple(row) for name, row in json.loads(done.stdout.splitlines()[-1]).items()}


def _child(downloads: int, calls: int, shows: int) -> None:
    import logging  # noqa: PLC0415

    import django  # noqa: PLC0415

    django.setup()
    logging.disable(logging.CRITICAL)
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection, transaction  # noqa: PLC0415
    from rest_framework.test import APIClient  # noqa: PLC0415

    from keys.services import issue_first_key  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    issued = issue_first_key(name="bench", email=None, scopes=None, now=datetime.now(UTC))
    begun = time.perf_counter()
    with transaction.atomic():
        show, episode = _fill(issued.key.account, downloads, shows)
    seeded = time.perf_counter() - begun
    with connection.cursor() as cursor:
        # As a database that runs for a while has done by itself.
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {issued.secret}")
    addresses = {
        "floor: one show": f"/api/shows/{show}",
        "E23 show": f"/api/shows/{show}/analytics",
        "E24 episode": f"/api/episodes/{episode}/analytics",
        "E25 downloads": "/api/analytics/downloads",
        "E26 listeners": "/api/analytics/listeners",
    }
    found = {name: _time(client, path, calls) for name, path in addresses.items()}
    print(json.dumps({"seed": (seeded, 0, 0), **found}))


def _time(client: Any, path: str, calls: int) -> tuple[float, float, float]:
    """Median and p95 of the wall, and the median of this process's CPU, in ms a call."""
    taken, worked = [], []
    for number in range(calls + 3):
        begun, work = time.perf_counter(), time.process_time()
        answer = client.get(path, HTTP_HOST="localhost")
        if number >= 3:
            taken.append((time.perf_counter() - begun) * 1_000)
            worked.append((time.process_time() - work) * 1_000)
        assert answer.status_code == 200, answer.content
    p95 = sorted(taken)[int(len(taken) * 0.95)]
    return statistics.median(taken), p95, statistics.median(worked)


def _fill(account: Any, downloads: int, wanted: int) -> tuple[int, int]:
    """All sums of `downloads`; returns the show and the episode with most of them."""
    import numpy as np  # noqa: PLC0415 - needed by the child alone

    from analytics.models import App  # noqa: PLC0415
    from analytics.results import Sums  # noqa: PLC0415
    from analytics.writing import add_sums, add_totals  # noqa: PLC0415

    chance = np.random.default_rng(1)
    shows, episodes = _make_shows(account, wanted)
    now = datetime.now(UTC)
    apps = [App.objects.create(name=f"App {n}", created_at=now).pk for n in range(APPS)]
    first = (TODAY - date(1970, 1, 1)).days - DAYS + 1
    weights = 1 / np.arange(1, wanted + 1)
    of_shows = chance.choice(wanted, size=downloads, p=weights / weights.sum())
    drawn = of_shows * EPISODES + chance.integers(EPISODES, size=downloads)
    days = chance.integers(DAYS, size=downloads)
    sums = Sums({})
    for key, amount in _tally(drawn * DAYS + days):
        place, day = divmod(key, DAYS)
        sums.episode_days[episodes[place], first + day] = [amount, 0]
    for key, amount in _tally(of_shows * DAYS + days):
        place, day = divmod(key, DAYS)
        sums.show_days[shows[place], first + day] = [amount, 0]
    for place, amount in _tally(drawn):
        sums.totals[episodes[place]] = [amount, 0, 0, 0, 0]
    sums.accounts = {
        episode: (account.pk, shows[place // EPISODES]) for place, episode in enumerate(episodes)
    }
    of_apps = 1 / np.arange(1, APPS + 1)
    for day, amount in _tally(days):
        amounts = chance.multinomial(amount, of_apps / of_apps.sum()).tolist()
        for app, part in zip(apps, amounts, strict=True):
            sums.account_apps[account.pk, first + day, app] = part
    add_sums(sums)
    add_totals(sums, {})
    _fill_sets(account.pk, sums, first)
    return shows[0], max(sums.totals, key=lambda pk: sums.totals[pk][0])


def _tally(keys: Any) -> Iterator[tuple[int, int]]:
    import numpy as np  # noqa: PLC0415 - as above

    found, amounts = np.unique(keys, return_counts=True)
    return zip(found.tolist(), amounts.tolist(), strict=True)


def _fill_sets(account: int, sums: Any, first: int) -> None:
    """Listener sets of the last 70 days, half as many listeners as downloads."""
    from analytics.moments import day_of  # noqa: PLC0415
    from analytics.salts import audience_period  # noqa: PLC0415
    from analytics.sketches import ListenerHashes  # noqa: PLC0415
    from analytics.writing import set_row, write_sets  # noqa: PLC0415

    chance = random.Random(1)
    rows = []
    for (_account, day, app), amount in sums.account_apps.items():
        if day < first + DAYS - 70:
            continue
        members = ListenerHashes()
        members.add(chance.getrandbits(64) for _ in range(amount // 2 + 1))
        period = audience_period(day_of(day))
        rows += [set_row((account, day, app, one), members) for one in (period, period - 1)]
    write_sets(rows)


def _make_shows(account: Any, wanted: int) -> tuple[list[int], list[int]]:
    from episodes.models import Episode  # noqa: PLC0415
    from shows.models import Show  # noqa: PLC0415

    now = datetime.now(UTC)
    shows = Show.objects.bulk_create(
        Show(
            account=account,
            slug=f"show-{n}",
            title=f"Show {n}",
            feed_token=f"token-{n}",
            created_at=now,
            updated_at=now,
            public_changed_at=now,
        )
        for n in range(wanted)
    )
    made = Episode.objects.bulk_create(
        (
            Episode(
                show=show,
                title=f"Episode {n}",
                state="published",
                audio_url="https://cdn.example.com/a.mp3",
                published_at=now - timedelta(days=DAYS),
                created_at=now,
                updated_at=now,
            )
            for show in shows
            for n in range(EPISODES)
        ),
        batch_size=500,
    )
    return [show.pk for show in shows], [episode.pk for episode in made]


if __name__ == "__main__":
    if "--child" in sys.argv:
        given = _arguments()
        _child(given.child, given.calls, given.shows)
    else:
        main()
