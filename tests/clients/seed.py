"""Fills an empty instance with what the clients are to find; prints the facts as one line of JSON."""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402 - Django first
from django.db import transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from keys.services import issue_first_key  # noqa: E402
from shows.services import (  # noqa: E402
    ShowDraft,
    change_show,
    create_show,
    ensure_narration_show,
    feed_url,
)
from tests.factories.published import AUDIO, publish_produced  # noqa: E402

LARGE_BYTES = 200_000_000
TITLES = ["First & foremost", "Zweite Folge: Grüße 🎧", "Third <episode>"]


def seed():
    now = timezone.now().replace(microsecond=0) - timedelta(days=1)
    issued = issue_first_key(name="owner", email="owner@example.com", scopes=None, now=now)
    account = issued.key.account
    show = create_show(
        account=account,
        draft=ShowDraft(
            title="Daily AI Briefing",
            description="News & views.",
            author="AI News Bot",
            category="Books",
            image_url="https://cdn.example.com/cover.jpg",
        ),
        now=now,
    )
    for hours, title in enumerate(TITLES):
        publish_produced(
            account,
            show,
            now=now + timedelta(hours=hours),
            title=title,
            description="<p>Notes with a <a href='https://example.com/?a=1&b=2'>link</a>.</p>",
        )
    with transaction.atomic():
        private = ensure_narration_show(account=account, now=now)
    large = publish_produced(account, private, now=now, title="Large")
    # The row's figures do not matter here; the file is sparse, so it costs no disk.
    with (settings.MEDIA_ROOT / large.asset.storage_key).open("r+b") as file:
        file.truncate(LARGE_BYTES)
    moved = create_show(
        account=account, draft=ShowDraft(title="Moved", visibility="private"), now=now
    )
    publish_produced(account, moved, now=now, title="Moved")
    moved_feed_url = feed_url(moved)
    with transaction.atomic(durable=True):
        change_show(account=account, show_id=moved.pk, changes={"visibility": "public"}, now=now)
    return {
        "key": issued.secret,
        "feed_url": feed_url(show),
        "private_feed_url": feed_url(private),
        "moved_feed_url": moved_feed_url,
        "titles": TITLES[::-1],
        "audio": AUDIO.hex(),
        "large_path": f"/media/{large.asset.storage_key}",
        "large_bytes": LARGE_BYTES,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(seed()) + "\n")
