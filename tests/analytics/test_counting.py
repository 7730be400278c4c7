"""Tests of the way from a request to the numbers, through real files and the registered task."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from celery import current_app
from django.db import connection

from analytics.counting import BatchCounter, CounterMoved, leased_counter
from analytics.methods import Method
from analytics.models import BadLine, Counter, Download, EpisodeTotal, FunnelDay, Segment
from analytics.segments import hit_store, read_archived
from analytics.spool import process_spool
from billing.models import UsageEntry
from tests.analytics.hit_making import MIDNIGHT, count, make_hit, piece_of, totals
from tests.factories.published import publish_external, publish_produced

NOON = MIDNIGHT + timedelta(hours=12)
APP = {"User-Agent": "AntennaPod/3.4.0"}


@pytest.fixture
def episode(owner, show):
    return publish_external(owner, show, now=MIDNIGHT - timedelta(days=1))


@pytest.fixture
def seal(settings):
    """Ends what this process spooled, as its end would."""

    def end():
        spool = process_spool(settings.DATA_DIR / "spool")
        spool.seal()

    return end


class TestTheWholeWay:
    def test_from_a_redirect_to_the_numbers(self, client, episode, seal, settings):
        with time_machine.travel(NOON, tick=False):
            for _ in range(2):
                client.get(f"/api/track/{episode.pk}.mp3", headers=APP)
            client.get(f"/api/track/{episode.pk}.mp3", headers={"User-Agent": "curl/8.1"})
            seal()
            for _ in range(2):
                current_app.tasks["analytics.count"]()

        total = EpisodeTotal.objects.get()
        assert (total.episode_id, total.downloads, total.delivered) == (episode.pk, 1, 0)
        steps = dict(FunnelDay.objects.exclude(step="local").values_list("step", "amount"))
        assert steps == {"eligible": 2, "bot_library": 1, "sessions": 1, "downloads": 1}
        entry = UsageEntry.objects.get(kind="download")
        assert (entry.account_id, entry.quantity) == (episode.show.account_id, 1)
        assert not list((settings.DATA_DIR / "spool").glob("*.hits"))

    def test_from_our_own_media_with_the_bytes_that_were_sent(self, client, owner, show, seal):
        episode = publish_produced(owner, show, now=MIDNIGHT - timedelta(days=1))
        address = f"/media/{episode.asset.storage_key}"
        with time_machine.travel(NOON, tick=False):
            client.get(f"/api/track/{episode.pk}.mp3", headers=APP)
            b"".join(client.get(address, headers={**APP, "Range": "bytes=0-4999"}))
            seal()
            current_app.tasks["analytics.count"]()
            assert not Download.objects.exists()
            b"".join(client.get(address, headers={**APP, "Range": "bytes=5000-"}))
            seal()
            current_app.tasks["analytics.count"]()

        assert Download.objects.get().evidence == Download.Evidence.DELIVERED
        steps = dict(FunnelDay.objects.exclude(step="local").values_list("step", "amount"))
        assert steps == {"eligible": 3, "sessions": 1, "downloads": 1}

    def test_the_archive_says_what_became_of_each_hit(self, client, episode, seal):
        with time_machine.travel(NOON, tick=False):
            client.get(f"/api/track/{episode.pk}.mp3", headers=APP)
            seal()
            current_app.tasks["analytics.count"]()

        store = hit_store()
        ((day, (name,)),) = store.kept().items()
        packed = store.read_kept(day, name)
        ((segment, content),) = read_archived(packed)
        assert segment == Segment.objects.get().name
        assert content.startswith(b"[1,")


class TestCountingOnce:
    def test_r63_a_segment_that_comes_again_changes_nothing(self, episode):
        Counter.objects.create(pk=1)
        piece = piece_of(make_hit(NOON, episode_id=episode.pk))
        for _ in range(3):
            BatchCounter(Method()).count([piece], now=NOON)

        assert Download.objects.count() == 1
        assert FunnelDay.objects.get(step="eligible").amount == 1

    def test_r65_a_worker_that_was_overtaken_writes_nothing(self, episode):
        Counter.objects.create(pk=1)
        slow = BatchCounter(Method())
        first = piece_of(make_hit(NOON, episode_id=episode.pk))
        second = piece_of(make_hit(NOON, episode_id=episode.pk, listener="ben"))

        def overtake(_pieces, _reasons):
            BatchCounter(Method()).count([second], now=NOON)

        with pytest.raises(CounterMoved):
            slow.count([first], now=NOON, before_commit=overtake)

        assert list(Segment.objects.values_list("name", flat=True)) == [second.name]
        assert Download.objects.count() == 1

    def test_one_worker_holds_the_counter_until_its_lease_ends(self, db):
        with leased_counter(now=NOON) as first, leased_counter(now=NOON) as second:
            assert (first, second) == (True, False)
        with leased_counter(now=NOON) as again:
            assert again
            with leased_counter(now=NOON + timedelta(minutes=3)) as later:
                assert later


class TestBadLines:
    def test_r67_are_put_aside_and_stop_nothing(self, episode, seal, settings):
        folder = settings.DATA_DIR / "spool"
        folder.mkdir(parents=True)
        good = make_hit(NOON, episode_id=episode.pk).pack()
        odd = good.replace(b'"GET"', b"7")
        (folder / "1773489600000-aa.hits").write_bytes(b"nonsense\n" + good + odd + b'[1,2,"')
        with time_machine.travel(NOON, tick=False):
            current_app.tasks["analytics.sweep"]()

        assert Download.objects.count() == 1
        assert sorted(BadLine.objects.values_list("line", flat=True)) == [1, 3, 4]
        assert Counter.objects.get().bad_lines == 3


class TestDeletedEpisodes:
    def test_keep_their_numbers_and_take_late_hits(self, episode):
        number = episode.pk
        count(make_hit(NOON, episode_id=number))
        episode.delete()
        count(make_hit(NOON, episode_id=number, listener="ben"))

        assert EpisodeTotal.objects.get().downloads == 2


class TestChangedDates:
    def test_have_the_first_days_counted_anew(self, episode):
        count(make_hit(NOON, episode_id=episode.pk))
        assert EpisodeTotal.objects.get().first_24h == 0
        episode.published_at = NOON - timedelta(hours=1)
        episode.save(update_fields=["published_at"])
        count(make_hit(NOON, episode_id=episode.pk, listener="ben"))

        total = EpisodeTotal.objects.get()
        assert (total.first_24h, total.first_7d) == (2, 2)


def test_a_batch_costs_few_queries_however_many_hits(episode, django_assert_max_num_queries):
    hits = [make_hit(NOON, episode_id=episode.pk, listener=f"l{n}") for n in range(200)]
    count(hits[0])

    # PostgreSQL copies into a draft table for each kind of sum.
    with django_assert_max_num_queries(60 if connection.vendor == "postgresql" else 40):
        count(*hits[1:])

    assert totals()["EpisodeTotal"][0][1] == 200
