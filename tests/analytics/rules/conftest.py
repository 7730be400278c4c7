"""Fixtures of the rules' tests: two episodes outside, one audio of ours, nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management.color import no_style
from django.db import connection

from accounts.models import Account
from analytics.models import AudioFigures, Counter, Download, EpisodeTotal
from tests.analytics.hit_making import METHOD, MIDNIGHT, count


@pytest.fixture(autouse=True)
def world(db):
    """Account 1 with episodes 1 and 2; audio 1 has 1,000,000 bytes of sound for 100 s after 100 of tags."""
    Account.objects.create(pk=1, created_at=MIDNIGHT)
    # The next account's number comes from the database, which has not heard of this one.
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [Account]):
            cursor.execute(statement)
    Counter.objects.create(pk=1)
    for number in (1, 2):
        EpisodeTotal.objects.create(
            pk=number,
            show_id=1,
            account_id=1,
            published_at=MIDNIGHT - timedelta(days=1),
        )
    note_audio(1, size=1_000_100, header=100, seconds=100.0)


def note_audio(number, *, size, header, seconds):
    AudioFigures.objects.create(
        asset_id=number,
        bytes=size,
        header_bytes=header,
        duration_seconds=seconds,
        noted_at=MIDNIGHT,
    )


@pytest.fixture
def downloads():
    """Counts hits and gives how many downloads there are then."""

    def found(*hits, method=METHOD, now=None):
        count(*hits, method=method, now=now)
        return Download.objects.count()

    return found
