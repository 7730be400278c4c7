"""Tests of what is kept and for how long, of the audit, of recounts and of removal."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from analytics.batches import Piece
from analytics.counting import BatchCounter
from analytics.feeding import count_segments
from analytics.hits import unpack
from analytics.keeping import audit_due, enter_ledger, forget_old
from analytics.methods import Method
from analytics.models import (
    AccountDayApp,
    AccountHour,
    Audit,
    Counter,
    Download,
    EpisodeDay,
    EpisodeTotal,
    ListenerSet,
    Rebuild,
    Segment,
    ShowDay,
    Window,
)
from analytics.purging import purge_show
from analytics.segments import hit_store, read_archived
from billing.models import UsageEntry
from shows.services import ShowDraft, create_show
from tests.analytics.hit_making import MIDNIGHT, count, make_hit, milliseconds, totals
from tests.factories.published import publish_external

NOON = MIDNIGHT + timedelta(hours=12)
DAY = timedelta(days=1)


@pytest.fixture
def episode(owner, show):
    return publish_external(owner, show, now=MIDNIGHT - 10 * DAY)


def feed(hits, *, now):
    """Count hits the whole way, archive included."""
    Counter.objects.get_or_create(pk=1)
    first = min(hit.time_ms for hit in hits)
    name = f"{first:013d}-{random.getrandbits(48):012x}.hits"
    content = b"".join(hit.pack() for hit in hits)
    return count_segments(BatchCounter(Method()), hit_store(), [(name, content)], now=now)


def two_days(episode):
    named = {"episode_id": episode.pk, "show_id": episode.show_id}
    for day in range(2):
        at = NOON + day * DAY
        hits = [
            make_hit(at + timedelta(minutes=n), listener=f"{n}", **named) for n in range(5 + day)
        ]
        hits.append(make_hit(at, listener="bot", agent="curl/8", **named))
        feed(hits, now=at + timedelta(hours=1))


class TestForgetting:
    def test_r75_windows_go_when_they_are_final_and_hits_in_their_time(self, episode, settings):
        two_days(episode)
        store = hit_store()
        assert Window.objects.count() == 11

        forget_old(now=NOON + 4 * DAY)
        assert Window.objects.count() == 11
        forget_old(now=NOON + 6 * DAY)
        assert (Window.objects.count(), Segment.objects.count()) == (0, 2)
        forget_old(now=NOON + 30 * DAY)
        assert Segment.objects.count() == 0
        assert len(store.kept()) == 2
        forget_old(now=NOON + (settings.HIT_DAYS + 2) * DAY)

        assert store.kept() == {}
        assert Download.objects.count() == 11

    def test_a_days_files_become_one_with_every_segment_once(self, episode):
        feed([make_hit(NOON, episode_id=episode.pk)], now=NOON)
        feed([make_hit(NOON, episode_id=episode.pk, listener="ben")], now=NOON)
        for _ in range(2):
            forget_old(now=NOON + 2 * DAY)

        ((day, (name,)),) = hit_store().kept().items()
        segments = dict(read_archived(hit_store().read_kept(day, name)))
        assert len(segments) == 2
        assert all(content.startswith(b"[1,") for content in segments.values())


class TestAudit:
    def test_finds_nothing_where_sums_are_right_and_comes_once_a_day(self, episode):
        two_days(episode)

        found = audit_due(now=NOON + DAY)

        assert found.differences == []
        assert audit_due(now=NOON + DAY) is None
        assert audit_due(now=NOON + 2 * DAY) is not None

    def test_r69_reports_a_sum_that_is_wrong_and_leaves_it(self, episode, caplog):
        two_days(episode)
        EpisodeDay.objects.filter(day=NOON.date()).update(downloads=7)

        found = audit_due(now=NOON + DAY)

        assert found.differences == [
            {
                "sum": "episode_day",
                "id": episode.pk,
                "day": "2026-03-14",
                "held": 7,
                "counted": 5,
            }
        ]
        assert "counts_differ" in caplog.text
        assert EpisodeDay.objects.get(day=NOON.date()).downloads == 7
        assert Audit.objects.count() == 1


class TestRebuild:
    def rebuild(self, *arguments):
        call_command("rebuild_downloads", *arguments)
        return Rebuild.objects.latest("pk")

    def test_r68_gives_equal_totals(self, episode):
        two_days(episode)
        before = totals()

        made = self.rebuild("--apply")

        assert (made.before, made.after, made.differences) == (11, 11, [])
        assert totals() == before

    def test_shows_a_difference_before_it_makes_one(self, episode, capsys):
        two_days(episode)
        before = totals()
        EpisodeDay.objects.filter(day=NOON.date()).update(downloads=7)
        ShowDay.objects.filter(day=NOON.date()).update(downloads=7)

        made = self.rebuild()
        assert (made.is_applied, made.before, made.after) == (False, 13, 11)
        assert f"2026-03-14 episode {episode.pk}: 7 -> 5" in capsys.readouterr().out
        assert EpisodeDay.objects.get(day=NOON.date()).downloads == 7
        self.rebuild("--apply")
        assert totals() == before

    def test_of_one_day_keeps_sessions_that_began_before(self, episode):
        late = MIDNIGHT + timedelta(hours=23)
        feed([make_hit(late, episode_id=episode.pk)], now=late)
        feed([make_hit(late + timedelta(hours=2), episode_id=episode.pk)], now=late + DAY / 8)
        before = totals()

        made = self.rebuild("--first", "2026-03-15", "--last", "2026-03-15", "--apply")

        assert (made.before, made.after) == (0, 0)
        assert totals() == before

    def test_without_kept_hits_says_so(self, db):
        with pytest.raises(CommandError, match="No hits are kept"):
            call_command("rebuild_downloads")


class TestPurge:
    def test_r76_removes_all_but_the_ledger_kept_hits_too(self, episode, owner, now):
        two_days(episode)
        other = publish_external(
            owner, create_show(account=owner, draft=ShowDraft(title="B"), now=now), now=MIDNIGHT
        )
        feed([make_hit(NOON, episode_id=other.pk, show_id=other.show_id)], now=NOON)
        entered = UsageEntry.objects.filter(kind="download").count()

        call_command("purge_show_numbers", str(episode.show_id))

        for model in (Download, ShowDay, EpisodeDay, EpisodeTotal, Window):
            assert model.objects.count() == 1, model
        assert AccountDayApp.objects.get().downloads == 1
        assert set(ListenerSet.objects.values_list("day", flat=True)) == {NOON.date()}
        store = hit_store()
        kept = [
            unpack(line).episode_id
            for day, names in store.kept().items()
            for name in names
            for _segment, content in read_archived(store.read_kept(day, name))
            for line in content.splitlines()
        ]
        assert kept == [other.pk]
        assert UsageEntry.objects.filter(kind="download").count() == entered > 0
        assert purge_show(show_id=episode.show_id) == 0


class TestLedger:
    def test_has_each_download_once_though_not_at_once(self, episode):
        for number in range(4):
            count(
                make_hit(NOON, episode_id=episode.pk, listener=f"{number}"),
                now=NOON + timedelta(minutes=1),
            )
        first = sum(UsageEntry.objects.filter(kind="download").values_list("quantity", flat=True))
        for _ in range(2):
            enter_ledger(now=NOON + timedelta(minutes=20))

        entries = UsageEntry.objects.filter(kind="download")
        assert first == 1
        assert sum(entries.values_list("quantity", flat=True)) == 4
        assert AccountHour.objects.get().entered == 4


def test_the_archive_is_written_before_the_hits_count(episode, monkeypatch):
    Counter.objects.get_or_create(pk=1)
    piece = Piece(f"{milliseconds(NOON)}-aa.hits", [make_hit(NOON, episode_id=episode.pk)])

    def fail(_pieces, _reasons):
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        BatchCounter(Method()).count([piece], now=NOON, before_commit=fail)

    assert not Segment.objects.exists()
