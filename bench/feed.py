"""Making a feed beside plain strings with compression of the whole, beside itself, and beside django-cast.

`[CAST_PYTHON=.../bin/python] python bench/feed.py [--quick]`. Processor time of one process, in
milliseconds. CAST_PYTHON is the Python of an environment of its own that has PyPI's django-cast,
whose dependencies are none of ours: `python -m venv cast; cast/bin/pip install django-cast`.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from email.utils import format_datetime
from pathlib import Path
from xml.sax.saxutils import escape

QUICK = "--quick" in sys.argv
ROUNDS = 3 if QUICK else 9

_folder = tempfile.TemporaryDirectory()
os.environ |= {
    "DATA_DIR": _folder.name,
    "SECRET_KEY": "only-for-the-bench-" + "x" * 50,
    "DEFAULT_PLAN": "enterprise",
    "DJANGO_SETTINGS_MODULE": "config.settings",
}
sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import logging  # noqa: E402

import django  # noqa: E402

django.setup()
logging.disable(logging.CRITICAL)

from _seed import fill  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402

from episodes.models import Episode  # noqa: E402
from episodes.services import update_episode  # noqa: E402
from feeds.store import FeedStore, public_version  # noqa: E402
from shows.models import Show  # noqa: E402


def milliseconds(work, prepare=lambda: None):
    """The median of ROUNDS."""
    used = []
    for _ in range(ROUNDS):
        prepare()
        before = time.process_time()
        work()
        used.append((time.process_time() - before) * 1_000)
    return statistics.median(used)


def plain_strings(show):
    """What a feed costs at least without keeping anything: rows, strings, one compression."""
    rows = (
        Episode.objects.filter(show=show, state="published")
        .order_by("-published_at")
        .values(
            *("pk", "guid", "title", "description", "published_at", "audio_url", "audio_length"),
            *("audio_type", "duration_seconds", "episode_type", "explicit", "season"),
        )
    )
    items = [
        f"<item><title>{escape(row['title'])}</title><itunes:title>{escape(row['title'])}</itunes:title>"
        f"<link>https://podcasts.example/shows/s/{row['pk']}</link>"
        f'<guid isPermaLink="false">{row["guid"]}</guid>'
        f"<pubDate>{format_datetime(row['published_at'])}</pubDate>"
        f'<enclosure url="{escape(row["audio_url"])}" length="{row["audio_length"]}"'
        f' type="{row["audio_type"]}"/>'
        f"<description><![CDATA[{row['description']}]]></description>"
        f"<content:encoded><![CDATA[{row['description']}]]></content:encoded>"
        f"<itunes:duration>{row['duration_seconds']}</itunes:duration>"
        f"<itunes:explicit>{str(row['explicit']).lower()}</itunes:explicit>"
        f"<itunes:episodeType>{row['episode_type']}</itunes:episodeType></item>"
        for row in rows
    ]
    return gzip.compress("".join(items).encode(), 6)


def django_cast(python, show):
    """What django-cast takes for a feed with the same notes, in a process of its own."""
    notes = list(Episode.objects.filter(show=show).values_list("description", flat=True))
    command = [python, str(Path(__file__).parent / "_cast_feed.py"), str(ROUNDS)]
    done = subprocess.run(
        command, input=json.dumps(notes), check=True, capture_output=True, text=True
    )
    return float(done.stdout)


class Making:
    """One show, its store, and what is measured of them."""

    def __init__(self, episodes):
        facts = fill(1, episodes)
        self.show = Show.objects.select_related("account").get(pk=facts["show"])
        self.folder = settings.DATA_DIR / "feeds"
        self.ids = list(Episode.objects.filter(show=self.show).values_list("pk", flat=True))
        self.edits = 0

    def forget(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def make(self):
        """Every page."""
        store, page = FeedStore(self.folder), 1
        version = public_version(self.show.pk)
        while (page - 1) * store.page_items < len(self.ids):
            store.get(version, page=page)
            page += 1

    def edit(self):
        self.edits += 1
        update_episode(
            account=self.show.account,
            episode_id=self.ids[self.edits * 37 % len(self.ids)],
            changes={"title": f"Edited {self.edits}"},
            now=timezone.now(),
        )


def line(case, ours, other, floor, target):
    ratio = ours / floor
    verdict = "ok" if ratio <= target else "MISSED"
    print(
        f"{case:34} {ours:9.1f}   {other:34} {floor:9.1f}  {ratio:7.3f}  {target:6.3f}  {verdict}"
    )


def main():
    call_command("migrate", verbosity=0)
    small, large = Making(300), Making(3_000)
    small_new = milliseconds(small.make, small.forget)
    small_edit = milliseconds(small.make, small.edit)
    floor = milliseconds(lambda: plain_strings(small.show))
    large_new = milliseconds(large.make, large.forget)
    large_edit = milliseconds(large.make, large.edit)
    python = os.environ.get("CAST_PYTHON")
    peer = django_cast(python, small.show) if python else None
    print(f"{'case':34} {'CPU ms':>9}   {'floor or peer':34} {'CPU ms':>9}  {'ratio':>7}  target")
    if peer is None:
        # django-cast 0.2.67 takes some 42 times of that floor for a feed of as many items.
        line("300 items from nothing", small_new, "values, strings, gzip 6 of all", floor, 42 / 30)
    else:
        line("300 items from nothing", small_new, "django-cast", peer, 1 / 30)
    line("one edit in 300 items", small_edit, "values, strings, gzip 6 of all", floor, 1.0)
    line("one edit in 3,000 items", large_edit, "its making from nothing", large_new, 0.35)


if __name__ == "__main__":
    main()
