"""Rules R78 to R82 of contracts/analytics.md: the method is public, and what is unusual is said."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from analytics.models import Agent, AgentDay, Alert, App, ChartNote, Counter, ShowDay, StepDay
from analytics.naming import digest_of_agent
from analytics.watching import signs_of_day, watch
from tests.analytics.hit_making import MIDNIGHT, make_hit
from tests.factories.published import publish_external, publish_produced

DAY = timedelta(days=1)
TODAY = MIDNIGHT.date()


def test_r78_the_method_in_force_is_described(owner_client):
    method = owner_client.get("/api/analytics/method").json()["method"]

    assert {"window", "threshold", "evidence", "lists", "divergences", "retention"} <= set(method)
    assert method["rules_version"] >= 1
    assert method["settings"]["burst_limit"] == 200


class TestR80:
    """Each sign, and how little is none."""

    def shows(self, *amounts, first=TODAY - 8 * DAY):
        ShowDay.objects.bulk_create(
            ShowDay(show_id=5, account_id=1, day=first + number * DAY, downloads=amount)
            for number, amount in enumerate(amounts)
            if amount
        )

    def found(self):
        return [
            (sign.kind.value, sign.amount, sign.usual, sign.subject) for sign in signs_of_day(TODAY)
        ]

    @pytest.mark.parametrize(
        ("today", "signs"),
        [
            (601, [("spike", 601, 300, "show 5")]),
            (600, []),
            (99, [("drop", 99, 200, "show 5")]),
            (0, [("drop", 0, 200, "show 5")]),
            (100, []),
        ],
    )
    def test_r80_spikes_and_drops_of_a_show(self, today, signs):
        self.shows(*[200, 300] * 4, today)

        assert self.found() == signs

    def test_r80_a_new_show_and_one_with_silent_days_are_no_news(self):
        self.shows(*[200] * 6, 900, first=TODAY - 6 * DAY)
        assert self.found() == []

    @pytest.mark.parametrize(("today", "signs"), [(100, [("reason", 100, 10, "bot_ua")]), (20, [])])
    def test_r80_a_jump_of_a_reason(self, today, signs):
        StepDay.objects.bulk_create(
            StepDay(day=TODAY - number * DAY, step=step, amount=amount)
            for number in range(9)
            for step, amount in (("eligible", 990), ("bot_ua", 10 if number else today))
        )
        StepDay.objects.filter(day=TODAY, step="eligible").update(amount=1_000 - today)

        assert self.found() == signs

    def test_r80_a_new_agent_and_not_a_new_version(self):
        app = App.objects.create(name="Other", created_at=MIDNIGHT)
        for agent, first, hits in (
            ("Known/1.0", MIDNIGHT - 20 * DAY, 500),
            ("Known/1.1", MIDNIGHT, 300),
            ("Scraper (a new one)", MIDNIGHT, 195),
            ("Rare/2", MIDNIGHT, 5),
        ):
            digest = digest_of_agent(agent)
            AgentDay.objects.create(digest=digest, day=TODAY, hits=hits)
            Agent.objects.create(
                digest=digest, user_agent=agent, kind="unknown", app=app, list_version="1",
                first_seen_at=first, last_seen_at=MIDNIGHT,
            )  # fmt: skip

        assert self.found() == [("new_agent", 195, 10, "Scraper (a new one)")]

    def test_r80_counting_feeds_the_watch_and_each_alert_comes_once(self, downloads, admin_client):
        downloads(make_hit(MIDNIGHT), make_hit(MIDNIGHT, listener="b", agent="curl/8"))
        assert dict(StepDay.objects.values_list("step", "amount"))["bot_library"] == 1
        assert sum(AgentDay.objects.values_list("hits", flat=True)) == 2
        self.shows(*[200] * 8, 900)

        assert watch(now=MIDNIGHT + DAY) == 0
        assert watch(now=MIDNIGHT + 1.5 * DAY) == 1
        assert watch(now=MIDNIGHT + 1.5 * DAY) == 0
        Counter.objects.update(watched_at=None)
        assert watch(now=MIDNIGHT + 1.5 * DAY) == 0
        alert = Alert.objects.get()
        chosen = {"action": "mark_seen", "_selected_action": alert.pk}
        admin_client.post("/admin/analytics/alert/", chosen)
        alert.refresh_from_db()
        assert alert.seen_at is not None

    def test_r80_notes_are_pinned_to_charts(self, owner, owner_client, show, now, settings):
        settings.ANALYTICS_GATED = False
        ChartNote.objects.create(day=now.date(), text="iOS loads less by itself")
        episode = publish_external(owner, show, now=now)
        days = {"from": "2026-03-01", "to": "2026-03-20"}

        answers = [
            owner_client.get("/api/analytics/downloads", days).json(),
            owner_client.get("/api/analytics/downloads", {"to": "2026-03-01"}).json(),
        ]
        notes = [answer["analytics"]["notes"] for answer in answers]
        text = "iOS loads less by itself"
        assert notes == [[{"date": "2026-03-14", "text": text, "link": None}], []]
        for path in (f"/api/shows/{show.pk}", f"/api/episodes/{episode.pk}"):
            assert "notes" in owner_client.get(f"{path}/analytics").json()["analytics"]


@pytest.mark.parametrize(
    ("model", "fields", "constraint"),
    [
        (Alert, {"kind": "other", "day": TODAY}, "alert_kind_known"),
        (ChartNote, {"day": TODAY, "text": ""}, "chartnote_has_text"),
        (StepDay, {"day": TODAY, "step": ""}, "stepday_has_step"),
    ],
)
def test_the_database_refuses_what_says_nothing(model, fields, constraint):
    if model is Alert:
        fields = fields | {"amount": 1, "usual": 1, "raised_at": MIDNIGHT}
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        model.objects.create(**fields)


@pytest.mark.parametrize("model", [Alert, StepDay, AgentDay])
def test_the_database_keeps_each_key_once(model):
    fields = {
        Alert: {"kind": "lag", "day": TODAY, "amount": 1, "usual": 1, "raised_at": MIDNIGHT},
        StepDay: {"day": TODAY, "step": "x"},
        AgentDay: {"day": TODAY, "digest": "x"},
    }[model]
    model.objects.create(**fields)
    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.create(**fields)


def test_r81_our_players_load_nothing_before_play(client, owner, show, now):
    publish_produced(owner, show, now=now)
    page = client.get(f"/shows/{show.slug}").content.decode()

    players = re.findall(r"<audio[^>]*>", page)
    assert players
    assert all('preload="none"' in player for player in players)


def test_r82_what_was_published_keeps_its_enclosure_guid_title_and_date(
    client, owner_client, owner, show, now
):
    episode = publish_external(owner, show, now=now)

    def item():
        feed = client.get(f"/api/shows/{show.pk}/feed").content.decode()
        return [
            re.search(pattern, feed, re.DOTALL)[0]
            for pattern in (
                r"<enclosure [^>]*url=\"[^\"]*",
                r"<guid.*?</guid>",
                r"<item>.*?<title>.*?</title>",
                r"<pubDate>.*?</pubDate>",
            )
        ]

    before = item()
    changed = {"description": "Other words", "audio_url": "https://cdn.example.com/b.mp3"}
    assert (
        owner_client.patch(f"/api/episodes/{episode.pk}", changed, format="json").status_code == 200
    )
    assert item() == before
