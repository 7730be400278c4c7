from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import IntegrityError, connection, transaction

from billing.models import UsageEntry
from billing.services import EpisodeQuotaExceeded, episode_usage
from core.errors import PodwrightError
from episodes.models import AudioAsset, Episode, EpisodeDocument
from episodes.schedule import publish_due
from episodes.services import (
    EpisodeDraft,
    create_episode,
    delete_episode,
    fail_production,
    update_episode,
)
from episodes.states import Publication
from shows.models import Show
from shows.services import ShowNotFound, delete_show
from tests.factories.published import publish_external, publish_produced

DRAFT = EpisodeDraft(title="An episode", audio_url="https://cdn.example.com/a.mp3")


def in_parallel(*calls):
    """Runs the calls in threads that start together; gives what each raised, or None."""
    barrier, ends = Barrier(len(calls)), [None] * len(calls)

    def run(number, call):
        try:
            barrier.wait(100)
            call()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            ends[number] = error
        finally:
            connection.close()

    threads = [Thread(target=run, args=item) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends


class TestParallelCreation:
    def test_leaves_exactly_ten_on_sandbox(self, owner, show, now):
        def create():
            create_episode(account=owner, show_id=show.pk, draft=DRAFT, now=now)

        ends = in_parallel(*[create] * 16)

        assert [end for end in ends if end and not isinstance(end, EpisodeQuotaExceeded)] == []
        assert Episode.objects.count() == UsageEntry.objects.count() == 10
        assert ends.count(None) == 10

    def test_and_change_and_deletion_never_wait_for_each_other(self, owner, show, now):
        made = [publish_external(owner, show, now=now, status="draft") for _ in range(4)]
        changes = {"status": Publication.PUBLISHED}

        def create():
            create_episode(account=owner, show_id=show.pk, draft=DRAFT, now=now)

        def publish(number):
            update_episode(account=owner, episode_id=made[number].pk, changes=changes, now=now)

        def delete(number):
            delete_episode(account=owner, episode_id=made[number].pk, now=now)

        ends = in_parallel(
            create, lambda: publish(0), lambda: publish(1), lambda: delete(2), lambda: publish(3)
        )

        assert ends == [None] * 5
        assert Episode.objects.published().count() == 4

    def test_in_a_show_that_is_being_deleted_ends_in_a_named_refusal(self, owner, show, now):
        def create():
            create_episode(account=owner, show_id=show.pk, draft=DRAFT, now=now)

        ends = in_parallel(
            create,
            create,
            lambda: delete_show(account=owner, show_id=show.pk, now=now),
            create,
            create,
        )

        assert all(end is None or isinstance(end, ShowNotFound) for end in ends), ends
        assert not Show.objects.exists()
        assert not Episode.objects.exists()


class TestPublishDue:
    def test_publishes_what_is_due_with_the_time_it_was_promised_for(self, owner, show, now):
        due = publish_external(owner, show, now=now, publish_at=now + timedelta(hours=1))
        publish_external(owner, show, now=now, publish_at=now + timedelta(hours=3))

        published = publish_due(now=now + timedelta(hours=2))

        due.refresh_from_db()
        assert published == 1
        assert (due.state, due.published_at) == ("published", now + timedelta(hours=1))

    def test_does_nothing_when_it_is_run_again(self, owner, show, now):
        publish_external(owner, show, now=now, publish_at=now + timedelta(hours=1))
        later = now + timedelta(hours=2)

        assert [publish_due(now=later), publish_due(now=later)] == [1, 0]

    def test_publishes_each_once_when_two_clocks_run(self, owner, show, now):
        for _ in range(3):
            publish_external(owner, show, now=now, publish_at=now + timedelta(hours=1))
        revision = Show.objects.get().revision

        ends = in_parallel(*[lambda: publish_due(now=now + timedelta(hours=2))] * 2)

        assert ends == [None, None]
        assert Episode.objects.published().count() == 3
        assert Show.objects.get().revision == revision + 3


class TestDeletion:
    def test_gives_no_quota_back(self, owner, show, now):
        made = publish_external(owner, show, now=now)

        delete_episode(account=owner, episode_id=made.pk, now=now)

        assert episode_usage(owner, now=now).used == 1

    def test_of_a_show_takes_its_episodes_and_keeps_the_ledger(self, owner, show, now):
        publish_external(owner, show, now=now)

        delete_show(account=owner, show_id=show.pk, now=now)

        assert not Episode.objects.exists()
        assert UsageEntry.objects.count() == 1


class TestFailProduction:
    def test_leaves_a_complete_episode_alone(self, owner, show, now):
        made = publish_produced(owner, show, now=now)

        with transaction.atomic():
            failed = fail_production(episode_id=made.pk, reason="late", now=now)

        assert not failed
        assert episode_usage(owner, now=now).used == 1


class TestRefusals:
    def test_of_a_full_quota_leave_nothing_behind(self, owner, show, now):
        for _ in range(10):
            publish_external(owner, show, now=now)
        revision = Show.objects.get().revision

        with pytest.raises(PodwrightError):
            publish_external(owner, show, now=now)

        assert Episode.objects.count() == 10
        assert Show.objects.get().revision == revision


class TestConstraints:
    @pytest.mark.parametrize(
        ("name", "change"),
        [
            ("episode_title_not_empty", {"title": ""}),
            ("episode_cover_null_not_blank", {"cover_key": "", "cover_bytes": 1}),
            ("episode_cover_has_size", {"cover_key": "covers/a/cover.jpg"}),
            ("episode_state_known", {"state": "live"}),
            ("episode_production_state_known", {"production_state": "lost"}),
            ("episode_type_known", {"episode_type": "special"}),
            ("episode_scheduled_has_time", {"state": "scheduled", "publish_at": None}),
            ("episode_published_has_date_and_audio", {"published_at": None}),
            ("episode_published_has_date_and_audio", {"audio_url": None}),
            ("episode_complete_has_audio", {"production_state": "complete"}),
        ],
    )
    def test_refuse_a_bad_episode(self, owner, show, now, name, change):
        made = publish_external(owner, show, now=now)

        with pytest.raises(IntegrityError, match=name):
            Episode.objects.filter(pk=made.pk).update(**change)

    @pytest.mark.parametrize(
        ("name", "change"),
        [
            ("audioasset_bytes_positive", {"bytes": 0}),
            ("audioasset_duration_positive", {"duration_seconds": 0}),
        ],
    )
    def test_refuse_a_bad_asset(self, owner, show, now, name, change):
        publish_produced(owner, show, now=now)

        with pytest.raises(IntegrityError, match=name):
            AudioAsset.objects.update(**change)

    def test_refuse_a_second_document_of_a_kind(self, owner, show, now):
        made = publish_produced(owner, show, now=now)
        first = EpisodeDocument.objects.filter(episode=made).order_by("pk").first()

        with pytest.raises(IntegrityError):
            EpisodeDocument.objects.create(
                episode=made, kind=first.kind, storage_key="other", bytes=1, created_at=now
            )

    @pytest.mark.parametrize("field", ["guid", "public_id", "uuid"])
    def test_refuse_equal_names(self, owner, show, now, field):
        one, other = (publish_external(owner, show, now=now) for _ in range(2))

        with pytest.raises(IntegrityError):
            Episode.objects.filter(pk=other.pk).update(**{field: getattr(one, field)})
