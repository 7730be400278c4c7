"""Reading: server time of E23 to E26 on 10 million downloads of 1,000 shows, and its growth from 1 million.

    python bench/read_analytics.py [--downloads 10000000] [--calls 60] [--quick]

The sums are made directly, as the counter would have left them: one account with 1,000 shows of 50
episodes over a year, audiences falling as 1/rank, 20 apps. Printed are median and p95 of each answer
in the process itself (target: p95 under 50 ms), the growth of the median from a tenth of the
downloads (target: under 1.5), and as the floor GET of one show by the same key.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter as Tally
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

EPISODES, DAYS, APPS = 50, 365, 20
SHOWS = 1_000
TODAY = date.today()  # noqa: DTZ011 - any day does


def main() -> None:
    arguments = _arguments()
    downloads, calls = (20_000, 5) if arguments.quick else (arguments.downloads, arguments.calls)
    shows = 20 if arguments.quick else SHOWS
    few = _measure(downloads // 10, calls, shows)
    many = _measure(downloads, calls, shows)
    for name, (median, p95) in many.items():
        growth = median / few[name][0]
        print(f"{name}: {median:.1f} ms, p95 {p95:.1f} ms, {growth:.2f} times that of a tenth")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--downloads", type=int, default=10_000_000)
    parser.add_argument("--calls", type=int, default=60)
    parser.add_argument("--quick", action="store_true", help="small numbers, to see that it works")
    parser.add_argument("--child", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--shows", type=int, default=SHOWS, help=argparse.SUPPRESS)
    return parser.parse_args()


def _measure(downloads: int, calls: int, shows: int) -> dict[str, tuple[float, float]]:
    """In a process of its own, since Django takes its settings once."""
    import json  # noqa: PLC0415
    import subprocess  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="podwright-bench-") as folder:
        environment = {
            **os.environ,
            "DATA_DIR": folder,
            "SECRET_KEY": "x" * 50,
            "DATABASE_URL": os.environ.get("DATABASE_URL", f"sqlite:///{folder}/bench.sqlite3"),
            "DEFAULT_PLAN": "agent_pro",
            "REQUESTS_PER_MINUTE": "1000000",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        command = [sys.executable, __file__, "--child", str(downloads), "--calls", str(calls)]
        command += ["--shows", str(shows)]
        done = subprocess.run(
            command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
        )
    return {name: tuple(pair) for name, pair in json.loads(done.stdout.splitlines()[-1]).items()}


def _child(downloads: int, calls: int, shows: int) -> None:
    import json  # noqa: PLC0415
    import logging  # noqa: PLC0415

    import django  # noqa: PLC0415

    django.setup()
    logging.disable(logging.CRITICAL)
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import transaction  # noqa: PLC0415
    from rest_framework.test import APIClient  # noqa: PLC0415

    from keys.services import issue_first_key  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    issued = issue_first_key(name="bench", email=None, scopes=None, now=datetime.now(UTC))
    with transaction.atomic():
        show, episode = _fill(issued.key.account, downloads, shows)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {issued.secret}")
    addresses = {
        "floor: one show": f"/api/shows/{show}",
        "E23 show": f"/api/shows/{show}/analytics",
        "E24 episode": f"/api/episodes/{episode}/analytics",
        "E25 downloads": "/api/analytics/downloads",
        "E26 listeners": "/api/analytics/listeners",
    }
    print(json.dumps({name: _time(client, path, calls) for name, path in addresses.items()}))


def _time(client: Any, path: str, calls: int) -> tuple[float, float]:
    taken = []
    for number in range(calls + 3):
        begun = time.perf_counter()
        answer = client.get(path, HTTP_HOST="localhost")
        if number >= 3:
            taken.append((time.perf_counter() - begun) * 1_000)
        assert answer.status_code == 200, answer.content
    return statistics.median(taken), sorted(taken)[int(len(taken) * 0.95)]


def _fill(account: Any, downloads: int, wanted: int) -> tuple[int, int]:
    """Rows and sums; returns the show and the episode with most downloads."""
    from analytics.models import (  # noqa: PLC0415
        AccountDayApp,
        App,
        EpisodeDay,
        EpisodeTotal,
        ListenerSet,
        ShowDay,
    )
    from analytics.salts import audience_period  # noqa: PLC0415
    from analytics.sketches import ListenerHashes  # noqa: PLC0415

    chance = random.Random(1)
    shows, episodes = _make_shows(account, wanted)
    now = datetime.now(UTC)
    apps = [App.objects.create(name=f"App {n}", created_at=now).pk for n in range(APPS)]
    by_episode: Tally[tuple[int, int]] = Tally()
    weights = [1 / rank for rank in range(1, wanted + 1)]
    chosen = chance.choices(range(wanted), weights, k=downloads)
    for show in chosen:
        by_episode[show * EPISODES + chance.randrange(EPISODES), chance.randrange(DAYS)] += 1
    show_days: Tally[tuple[int, int]] = Tally()
    totals: Tally[int] = Tally()
    for (episode, day), amount in by_episode.items():
        show_days[episode // EPISODES, day] += amount
        totals[episode] += amount
    EpisodeDay.objects.bulk_create(
        (
            EpisodeDay(
                episode_id=episodes[episode],
                show_id=shows[episode // EPISODES],
                account_id=account.pk,
                day=TODAY - timedelta(days=day),
                downloads=amount,
            )
            for (episode, day), amount in by_episode.items()
        ),
        batch_size=2_000,
    )
    ShowDay.objects.bulk_create(
        (
            ShowDay(
                show_id=shows[show],
                account_id=account.pk,
                day=TODAY - timedelta(days=day),
                downloads=amount,
            )
            for (show, day), amount in show_days.items()
        ),
        batch_size=2_000,
    )
    EpisodeTotal.objects.bulk_create(
        (
            EpisodeTotal(
                pk=episodes[episode],
                show_id=shows[episode // EPISODES],
                account_id=account.pk,
                downloads=amount,
            )
            for episode, amount in totals.items()
        ),
        batch_size=2_000,
    )
    for day in range(DAYS):
        on = TODAY - timedelta(days=day)
        for rank, app in enumerate(apps, 1):
            amount = max(1, downloads // DAYS // (4 * rank))
            AccountDayApp.objects.create(
                account_id=account.pk, day=on, app_id=app, downloads=amount
            )
            if day < 70:
                members = ListenerHashes()
                members.add(chance.getrandbits(64) for _ in range(amount // 2 + 1))
                for period in (audience_period(on), audience_period(on) - 1):
                    ListenerSet.objects.create(
                        account_id=account.pk,
                        day=on,
                        app_id=app,
                        period=period,
                        members=members.packed(),
                        is_sketch=members.is_sketch,
                    )
    return shows[0], episodes[totals.most_common(1)[0][0]]


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
