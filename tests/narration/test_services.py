from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from billing.models import Subscription, UsageEntry
from billing.services import EpisodeQuotaExceeded, episode_usage
from core.errors import NotFound
from core.web_addresses import UrlInvalid
from episodes.models import Episode
from episodes.services import fail_production
from episodes.states import ProductionState, Publication
from narration.limits import (
    HourlyLimitReached,
    TextTooLong,
    TextTooShort,
    require_room,
)
from narration.models import Narration, NarrationRequest
from narration.services import (
    NarrationNotFailed,
    Submission,
    delete_narration,
    get_narration,
    narration_feed_url,
    retry_narration,
    submit_narration,
)
from production.voices.base import VoiceUnknown
from shows.models import Show

TEXT = "Trains have run on this line for a hundred and fifty years, and they are never late. " * 2
A_TEXT = Submission(text=TEXT.strip())
A_URL = Submission(url="https://site.example/p?utm_source=x#top")


@pytest.fixture
def paying_owner(owner, now):
    """The owner on a plan without a cap on episodes."""
    episode_usage(owner, now=now)
    Subscription.objects.filter(account=owner).update(plan="agent_pro")
    return owner


def in_parallel(number, call):
    """Runs `call` in `number` threads; what each gave, or the error that it raised."""

    def run(_number):
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(run, range(number)))


class TestSubmitNarration:
    def test_accepts_a_text(self, owner, now):
        submission = Submission(text=TEXT.strip(), title="Notes", author="Jane", voice="low")

        narration = submit_narration(account=owner, submission=submission, now=now)

        episode = Episode.objects.get()
        assert (episode.title, episode.author) == ("Notes", "Jane")
        assert episode.description == "Processing pasted text..."
        assert episode.production_state == ProductionState.PENDING
        assert episode.state == Publication.DRAFT
        assert narration.source_type == "paste"
        assert narration.text == TEXT.strip()
        assert narration.source_url == ""
        assert narration.voice == "low"
        assert narration.state == Narration.State.WAITING

    def test_accepts_an_address(self, owner, now):
        narration = submit_narration(account=owner, submission=A_URL, now=now)

        episode = narration.episode
        assert (episode.title, episode.author) == ("Processing...", "Processing...")
        assert episode.description == "Processing article from URL..."
        assert narration.source_url == "https://site.example/p"
        assert narration.requested_url == A_URL.url

    def test_honours_what_is_said_of_an_address(self, owner, now):
        submission = Submission(url=A_URL.url, title="Mine", author="Me", description="About.")

        episode = submit_narration(account=owner, submission=submission, now=now).episode

        assert (episode.title, episode.author, episode.description) == ("Mine", "Me", "About.")

    def test_puts_all_of_an_account_into_one_private_show(self, owner, now):
        for submission in (A_TEXT, A_URL):
            submit_narration(account=owner, submission=submission, now=now)

        show = Show.objects.get()
        assert show.is_private
        assert show.is_narration_default
        assert show.episodes.count() == 2
        assert "@" not in show.title

    def test_uses_up_the_quota(self, owner, now):
        submit_narration(account=owner, submission=A_TEXT, now=now)

        assert episode_usage(owner, now=now).used == 1

    def test_gives_the_quota_back_when_making_fails(self, owner, now):
        narration = submit_narration(account=owner, submission=A_TEXT, now=now)

        with transaction.atomic():
            fail_production(episode_id=narration.episode_id, reason="broke", now=now)

        assert episode_usage(owner, now=now).used == 0

    def test_refuses_an_exhausted_quota_and_stores_nothing(self, owner, now):
        for _ in range(10):
            submit_narration(account=owner, submission=A_TEXT, now=now)

        with pytest.raises(EpisodeQuotaExceeded):
            submit_narration(account=owner, submission=A_TEXT, now=now)

        assert Narration.objects.count() == NarrationRequest.objects.count() == 10

    @pytest.mark.parametrize(
        ("submission", "refusal"),
        [
            (Submission(text="x" * 99), TextTooShort),
            (Submission(text="x" * 15_001), TextTooLong),
            (Submission(url="ftp://site.example/"), UrlInvalid),
            (Submission(text=TEXT, voice="nobody"), VoiceUnknown),
        ],
    )
    def test_refuses_what_cannot_be_narrated_and_counts_nothing(
        self, owner, now, submission, refusal
    ):
        with pytest.raises(refusal):
            submit_narration(account=owner, submission=submission, now=now)

        assert not Episode.objects.exists()
        assert not UsageEntry.objects.exists()
        assert not NarrationRequest.objects.exists()

    @pytest.mark.parametrize("characters", [100, 15_000])
    def test_accepts_the_shortest_and_the_longest_text_of_a_plan(self, owner, now, characters):
        submit_narration(account=owner, submission=Submission(text="x" * characters), now=now)

        assert Narration.objects.count() == 1

    def test_allows_more_text_on_a_paid_plan(self, paying_owner, now):
        longest = Submission(text="x" * 50_000)
        submit_narration(account=paying_owner, submission=longest, now=now)

        with pytest.raises(TextTooLong, match=r"50,000 character limit \(50,001 characters\)"):
            submit_narration(
                account=paying_owner, submission=Submission(text="x" * 50_001), now=now
            )

    def test_names_the_voices_on_offer(self, owner, now):
        with pytest.raises(VoiceUnknown, match="high, low"):
            submit_narration(
                account=owner, submission=Submission(text=TEXT, voice="felix"), now=now
            )


class TestHourlyLimit:
    def test_refuses_the_twenty_first_within_an_hour(self, paying_owner, now):
        for minute in range(20):
            submit_narration(
                account=paying_owner, submission=A_TEXT, now=now + timedelta(minutes=minute)
            )

        with pytest.raises(HourlyLimitReached, match="You've reached your hourly episode limit"):
            submit_narration(
                account=paying_owner, submission=A_TEXT, now=now + timedelta(minutes=59)
            )

    def test_rolls_instead_of_starting_anew_at_full_hours(self, paying_owner, now):
        for minute in range(20):
            submit_narration(
                account=paying_owner, submission=A_TEXT, now=now + timedelta(minutes=minute)
            )
        later = now + timedelta(minutes=60)
        submit_narration(account=paying_owner, submission=A_TEXT, now=later)

        with pytest.raises(HourlyLimitReached):
            submit_narration(account=paying_owner, submission=A_TEXT, now=later)

    def test_counts_deleted_ones(self, paying_owner, now):
        for _ in range(20):
            made = submit_narration(account=paying_owner, submission=A_TEXT, now=now)
            delete_narration(account=paying_owner, public_id=made.episode.public_id, now=now)

        with pytest.raises(HourlyLimitReached):
            require_room(account=paying_owner, now=now)

    def test_keeps_no_row_longer_than_an_hour(self, paying_owner, now):
        for hours in range(3):
            submit_narration(
                account=paying_owner, submission=A_TEXT, now=now + timedelta(hours=hours)
            )

        assert NarrationRequest.objects.count() == 1

    def test_is_exact_when_many_arrive_at_once(self, paying_owner, now):
        def submit():
            submit_narration(account=paying_owner, submission=A_TEXT, now=now)

        ends = in_parallel(20 + 6, submit)

        refusals = [end for end in ends if end is not None]
        assert [type(end) for end in refusals] == [HourlyLimitReached] * 6
        assert Narration.objects.count() == 20
        assert Show.objects.filter(account=paying_owner).count() == 1


class TestQuotaInParallel:
    def test_never_goes_over_the_plan(self, owner, now):
        def submit():
            submit_narration(account=owner, submission=A_TEXT, now=now)

        ends = in_parallel(14, submit)

        assert ends.count(None) == 10
        assert episode_usage(owner, now=now).used == 10


class TestGetNarration:
    def test_finds_the_owners_alone(self, owner, now, issued):
        made = submit_narration(account=owner, submission=A_TEXT, now=now)

        assert get_narration(account=owner, public_id=made.episode.public_id) == made

    @pytest.mark.parametrize("public_id", ["ep_none", "", "\x00", "ep_" + "x" * 5_000])
    def test_knows_no_other_id(self, owner, public_id):
        with pytest.raises(NotFound, match="Episode not found"):
            get_narration(account=owner, public_id=public_id)


class TestDeleteNarration:
    def test_deletes_the_episode_with_it(self, owner, now):
        made = submit_narration(account=owner, submission=A_TEXT, now=now)

        delete_narration(account=owner, public_id=made.episode.public_id, now=now)

        assert not Episode.objects.exists()
        assert not Narration.objects.exists()

    def test_says_the_second_time_that_it_is_gone(self, owner, now):
        made = submit_narration(account=owner, submission=A_TEXT, now=now)

        ends = in_parallel(
            4,
            lambda: delete_narration(account=owner, public_id=made.episode.public_id, now=now),
        )

        assert ends.count(None) == 1
        assert sum(isinstance(end, NotFound) for end in ends) == 3


class TestRetryNarration:
    @pytest.fixture
    def failed(self, owner, now):
        made = submit_narration(account=owner, submission=A_TEXT, now=now)
        Narration.objects.filter(pk=made.pk).update(state="failed", attempts=3, error_code="x")
        with transaction.atomic():
            fail_production(episode_id=made.episode_id, reason="broke", now=now)
        return made

    def test_queues_it_again_and_uses_the_quota_again(self, owner, failed, now):
        retry_narration(narration_id=failed.pk, now=now)

        narration = Narration.objects.select_related("episode").get()
        assert (narration.state, narration.attempts, narration.error_code) == ("waiting", 0, "")
        assert narration.episode.production_state == ProductionState.PENDING
        assert episode_usage(owner, now=now).used == 1

    def test_refuses_it_when_the_quota_is_used_up(self, owner, failed, now):
        for _ in range(10):
            submit_narration(account=owner, submission=A_TEXT, now=now)

        with pytest.raises(EpisodeQuotaExceeded):
            retry_narration(narration_id=failed.pk, now=now)

        assert Narration.objects.get(pk=failed.pk).state == Narration.State.FAILED

    def test_refuses_one_that_has_not_failed(self, owner, failed, now):
        retry_narration(narration_id=failed.pk, now=now)

        with pytest.raises(NarrationNotFailed):
            retry_narration(narration_id=failed.pk, now=now)

    def test_says_that_one_is_gone(self, failed, now):
        with pytest.raises(NotFound):
            retry_narration(narration_id=failed.pk + 1, now=now)

    def test_is_a_button_in_the_admin(self, failed, client):
        operator = get_user_model().objects.create_superuser("operator", password=None)
        client.force_login(operator)
        address = reverse("admin:narration_narration_changelist")

        response = client.post(address, {"action": "retry", "_selected_action": [failed.pk]})

        assert response.status_code == 302
        assert Narration.objects.get().state == Narration.State.WAITING
        assert client.get(address).status_code == 200


class TestNarrationFeedUrl:
    def test_is_the_same_unguessable_address_every_time(self, owner, now, settings):
        addresses = in_parallel(6, lambda: narration_feed_url(account=owner, now=now))

        assert len(set(addresses)) == 1
        show = Show.objects.get()
        assert addresses[0] == f"{settings.PUBLIC_URL}/feeds/{show.feed_token}.xml"
        assert show.feed_token.startswith("podcast_")
        assert len(show.feed_token) == len("podcast_") + 16


class TestConstraints:
    @pytest.mark.parametrize(
        ("changes", "constraint"),
        [
            ({"source_type": "fax"}, "narration_source_type_known|narration_has_its_source"),
            ({"state": "lost"}, "narration_state_known"),
            ({"text": ""}, "narration_has_its_source"),
            ({"source_type": "url"}, "narration_has_its_source"),
            ({"state": "preparing"}, "narration_lease_while_preparing"),
            ({"lease_until": "2026-03-14T12:00Z"}, "narration_lease_while_preparing"),
        ],
    )
    def test_refuse_rows_that_make_no_sense(self, owner, now, changes, constraint):
        made = submit_narration(account=owner, submission=A_TEXT, now=now)

        with pytest.raises(IntegrityError, match=constraint):
            Narration.objects.filter(pk=made.pk).update(**changes)
