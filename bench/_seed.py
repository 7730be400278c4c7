"""Fills an instance for the figures: SHOWS public shows of EPISODES episodes with notes of words."""

from __future__ import annotations

import json
import os
import random
import sys
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402 - Django first
from django.utils import timezone  # noqa: E402

from episodes.models import Episode  # noqa: E402
from keys.services import issue_first_key  # noqa: E402
from shows.models import Show  # noqa: E402
from shows.services import ShowDraft, create_show  # noqa: E402
from tests.factories.published import publish_produced  # noqa: E402

chance = random.Random(1)
WORDS = ["".join(chance.choices("etaoinshrdlucmfw", k=chance.randint(2, 10))) for _ in range(3_000)]


def notes() -> str:
    words = " ".join(chance.choices(WORDS, k=95))
    return f"<p>{words} <a href='https://example.com/?a=1&amp;b=2'>link</a></p>"


def fill(shows: int, episodes: int, *, media_bytes: int = 0) -> dict[str, object]:
    now = timezone.now()
    issued = issue_first_key(name="bench", email="bench@example.com", scopes=None, now=now)
    first = create_show(
        account=issued.key.account, draft=ShowDraft(title="Bench", description="d"), now=now
    )
    others = Show.objects.bulk_create(
        Show(
            account=first.account, slug=f"s{n}", title=f"Show {n}", feed_token=f"podcast_{n:016x}",
            created_at=now, updated_at=now, public_changed_at=now,
        )
        for n in range(shows - 1)
    )  # fmt: skip
    Episode.objects.bulk_create(
        Episode(
            show=show, title=f"Episode {n}", description=notes(), state="published",
            audio_url=f"https://cdn.example.com/{n}.mp3", audio_length=1_234_567,
            duration_seconds=1_800, published_at=now - timedelta(days=n), created_at=now,
            updated_at=now,
        )
        for show in (first, *others)
        for n in range(episodes)
    )  # fmt: skip
    facts: dict[str, object] = {"show": first.pk, "key": issued.secret}
    if media_bytes:
        made = publish_produced(first.account, others[0] if others else first, now=now)
        with (settings.MEDIA_ROOT / made.asset.storage_key).open("r+b") as file:
            file.write(os.urandom(media_bytes))
        facts["media"] = made.asset.storage_key
    return facts


if __name__ == "__main__":
    shows, episodes, media = (int(one) for one in sys.argv[1:4])
    print(json.dumps(fill(shows, episodes, media_bytes=media)))
