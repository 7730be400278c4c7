"""Many rows at once are read back as they were given, whatever their columns hold."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError, connection, transaction

from analytics.bulk import insert_rows, sent_together, upsert_rows
from analytics.models import AgentDay, Download, EpisodeTotal, StepDay, Window
from analytics.moments import day_number, day_value, moment_value

DAY = date(2026, 3, 14)
MOMENT = datetime(2026, 3, 14, 1, 2, 3, 4_000, tzinfo=UTC)
WINDOW = [
    *("listener", "episode_id", "touches", "who", "carried", "counted", "is_burst"),
    *("previous_listener", "playback_session", "network", "previous_network", "day"),
]
pytestmark = pytest.mark.django_db(transaction=True)


def test_rows_are_read_back_as_they_were_given():
    downloads = [
        (-(2**63), 1, 2, 3, 4, 1, "", "CH", 0, "", 1),
        (2**63 - 1, 5, 6, 7, 8, 2, "watch", "", 4_294_967_295, "köln.example", 2),
    ]
    columns = ["fingerprint", "account_id", "show_id", "episode_id", "app_id", "evidence"]
    columns += ["device", "country", "as_number", "source", "rules_version"]
    millisecond = round(MOMENT.timestamp() * 1_000)
    day = day_value(day_number(DAY))
    windows = [
        (b"\x00" * 16, 1, b"", b"who", None, b"\x01", False, None, b"p" * 16, None, b"n" * 8, day),
        (b"\xff" * 16, 2, b"t" * 20_000, b"\n\\", b"", b"", True, b"a" * 16, None, b"", None, day),
    ]
    with transaction.atomic():
        insert_rows(Window, WINDOW, windows)
        insert_rows(
            Download,
            ["started_at", *columns],
            [(moment_value(millisecond), *row) for row in downloads * 1_500],
        )
        insert_rows(Window, WINDOW, [])

    assert list(Download.objects.order_by("pk").values_list(*columns)) == downloads * 1_500
    assert set(Download.objects.values_list("started_at", flat=True)) == {MOMENT}
    held = Window.objects.order_by("episode_id").values_list(*WINDOW[:-1])
    assert [tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in held] == [
        row[:-1] for row in windows
    ]
    assert set(Window.objects.values_list("day", flat=True)) == {DAY}


def test_upserts_that_are_sent_together_replace_add_and_keep():
    adapted = connection.ops.adapt_datetimefield_value
    published = datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)
    kept = ["show_id", "account_id", "first_24h", "first_7d", "first_30d"]
    columns = {"key": ["episode_id"], "replaced": ["published_at"]}
    columns |= {"added": ["downloads", "delivered"], "kept": kept}
    firsts = (0, 0, 0)
    with transaction.atomic(), sent_together():
        upsert_rows(
            EpisodeTotal,
            [(1, None, 3, 1, 7, 8, *firsts), (2, None, 1, 0, 7, 8, *firsts)],
            **columns,
        )
        upsert_rows(EpisodeTotal, [(1, adapted(published), 2, 2, 70, 80, *firsts)], **columns)
        upsert_rows(EpisodeTotal, [(1, adapted(published), -1, -1, 7, 8, *firsts)], **columns)
        upsert_rows(EpisodeTotal, [], **columns)

    fields = ["pk", "published_at", "downloads", "delivered", "show_id", "account_id"]
    assert list(EpisodeTotal.objects.order_by("pk").values_list(*fields)) == [
        (1, published, 4, 2, 7, 8),
        (2, None, 1, 0, 7, 8),
    ]


def test_of_upserts_that_are_sent_together_none_stays_when_one_is_refused():
    day = day_value(day_number(DAY))
    columns = {"key": ["day", "step"], "added": ["amount"]}
    with pytest.raises(IntegrityError), transaction.atomic(), sent_together():  # noqa: PT012
        upsert_rows(StepDay, [(day, "eligible", 1)], **columns)
        upsert_rows(StepDay, [(day, "", 1)], **columns)
        upsert_rows(AgentDay, [("digest", day, 1)], key=["digest", "day"], added=["hits"])

    assert not StepDay.objects.exists()
    assert not AgentDay.objects.exists()
    with transaction.atomic(), sent_together():
        upsert_rows(StepDay, [(day, "eligible", 1)], **columns)
    assert StepDay.objects.get().amount == 1
