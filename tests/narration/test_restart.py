"""A thousand narrations that wait while everything is off: all are found again, none twice."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from episodes.models import Episode
from narration.models import Narration
from narration.preparing import due_narrations, prepare_narration
from narration.services import Submission, submit_narration
from production.models import Production

WAITING = 1_000
TEXT = "Trains have run on this line for a hundred and fifty years, and they are never late. " * 2


def test_a_thousand_waiting_ones_survive_a_restart(owner, now, settings):
    settings.NARRATIONS_PER_HOUR = WAITING
    first = submit_narration(account=owner, submission=Submission(text=TEXT), now=now)
    # The others are written as that one was, without a thousand locks.
    episodes = Episode.objects.bulk_create(
        Episode(
            show=first.episode.show,
            title=f"Text {number}",
            state="draft",
            production_state="pending",
            created_at=now,
            updated_at=now,
        )
        for number in range(1, WAITING)
    )
    Narration.objects.bulk_create(
        Narration(episode=episode, source_type="paste", text=TEXT, due_at=now, created_at=now)
        for episode in episodes
    )
    # One was in the hands of a worker that is gone now: its lease has ended.
    begun = Narration.objects.order_by("-pk").first()
    Narration.objects.filter(pk=begun.pk).update(
        state="preparing",
        attempts=1,
        lease="00000000-0000-4000-8000-000000000000",
        lease_until=now + timedelta(minutes=1),
    )
    later = timezone.now() + timedelta(hours=1)

    swept: set[int] = set()
    while found := due_narrations(now=later):
        assert not swept & set(found)
        swept |= set(found)
        # As workers do that take all that the sweep rang for.
        Narration.objects.filter(pk__in=found[:-1]).update(
            state="prepared", lease=None, lease_until=None
        )
        prepare_narration(narration_id=found[-1], now=later)

    assert len(swept) == WAITING
    assert begun.pk in swept
    assert Narration.objects.filter(state="prepared").count() == WAITING
    assert Production.objects.count() == 2
