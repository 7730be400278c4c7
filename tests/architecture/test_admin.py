"""Walks every page of the Django admin with rows in it: all open, and none asks once per row."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Account
from analytics.models import AgentRule, ChartNote, Counter
from billing.models import Subscription
from core.models import IdempotentRequest, StoredFile
from episodes.copies import keep_copy
from episodes.models import Episode
from keys.devices import start_device
from keys.models import ApiKey
from keys.services import issue_first_key
from narration.reading import change_reading_settings, put_lexicon_entry
from narration.services import Submission, submit_narration
from shows.listeners import add_listener
from shows.models import Show
from shows.services import ShowDraft, create_show
from tests.architecture.test_registries import OURS
from tests.factories.payments import pay, tell_and_report
from tests.factories.published import publish_external, publish_produced
from tests.factories.rows import write_row
from tests.factories.studio import add_studio
from webhooks.delivering import claim, fan_out, record_answer
from webhooks.models import Delivery, Endpoint
from webhooks.sending import Answer
from webhooks.services import register_endpoint

REGISTERED = [model for model in admin.site._registry if model in OURS]
#: What an operator may write by hand, and what there is one row of.
WRITTEN_BY_OPERATORS = {AgentRule, ChartNote}
SINGLE_ROWS = {Counter}


def page(model, name, *arguments):
    meta = model._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{name}", args=arguments)


def add_endpoint(account, *, now):
    url = "https://93.184.216.34/hook?for=somebody"
    return register_endpoint(account=account, url=url, events=["*"], now=now)


def add_cover(show):
    Show.objects.filter(pk=show.pk).update(
        cover_key=f"covers/{show.pk}/cover.jpg", cover_bytes=9, image_url=None
    )


def attempt_deliveries(*, now):
    """One failed attempt of each delivery that is due."""
    answer = Answer(started_at=now, milliseconds=5, status=500, error="", text="no")
    fan_out(now=now)
    for outgoing in claim(list(Delivery.objects.values_list("pk", flat=True)), now=now):
        record_answer(outgoing, answer, now=now, chance=0)


def add_narration(account, *, now):
    submit_narration(account=account, submission=Submission(text="Some words. " * 20), now=now)
    add_listener(show=account.shows.get(is_narration_default=True), name="x", now=now)
    change_reading_settings(account=account, rules={"code": "read"}, voice="", now=now)
    put_lexicon_entry(account=account, word="x", respelling="y", phonemes="", show_id=None, now=now)


@pytest.fixture
def operator(transactional_db):
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("operator", password=None))
    return client


@pytest.fixture
def add_tenant(now):
    """Adds one row at least of every model: through services where a factory knows how."""
    others = []

    def add():
        account = issue_first_key(name="tenant", email="t@example.com", scopes=None, now=now)
        add_endpoint(account.key.account, now=now)
        show = create_show(account=account.key.account, draft=ShowDraft(title="Show"), now=now)
        publish_produced(account.key.account, show, now=now)
        add_cover(show)
        attempt_deliveries(now=now)
        outside = publish_external(account.key.account, show, now=now)
        keep_copy(account=account.key.account, episode_id=outside.pk, now=now)
        start_device(now=now)
        pay(account.key.account, now=now)
        tell_and_report(account.key.account, now=now)
        add_narration(account.key.account, now=now)
        add_studio(account.key.account, now=now)
        IdempotentRequest.objects.create(
            caller=account.key.account.pk, key="k-1", fingerprint="0" * 64, created_at=now
        )
        if not others:
            others.extend(model for model in OURS if not model._base_manager.exists())
        for model in others:
            if model not in SINGLE_ROWS or not model._base_manager.exists():
                write_row(model)
        return show

    return add


@pytest.mark.slow
class TestEveryModel:
    def test_is_listed_with_as_many_queries_for_many_rows_as_for_few(
        self, operator, add_tenant, subtests
    ):
        def queries(model):
            with CaptureQueriesContext(connection) as asked:
                answer = operator.get(page(model, "changelist"))
            assert answer.status_code == 200
            return len(asked), len(answer.context["cl"].result_list)

        add_tenant()
        for model in REGISTERED:  # what is asked once a process
            queries(model)
        few = {model: queries(model) for model in REGISTERED}
        for _ in range(3):
            add_tenant()

        for model in REGISTERED:
            with subtests.test(model=model.__name__):
                count, rows = queries(model)
                assert rows >= (1 if model in SINGLE_ROWS else 4)
                assert count == few[model][0]

    def test_can_be_searched_and_filtered(self, operator, add_tenant, subtests, rf):
        """A page for each filter; what its other choices would list is asked for without the page."""
        add_tenant()
        user = get_user_model().objects.get()

        for model in REGISTERED:
            with subtests.test(model=model.__name__):
                model_admin = admin.site._registry[model]
                answer = operator.get(page(model, "changelist"), {"q": "o"})
                assert answer.status_code == 200
                assert model_admin.search_fields
                assert model_admin.date_hierarchy
                for chosen in answer.context["cl"].filter_specs:
                    *others, last = chosen.choices(answer.context["cl"])
                    url = page(model, "changelist") + last["query_string"]
                    assert operator.get(url).status_code == 200
                    for choice in others:
                        request = rf.get(page(model, "changelist") + choice["query_string"])
                        request.user = user
                        listed = model_admin.get_changelist_instance(request)
                        assert len(listed.result_list) <= listed.result_count

    def test_opens_each_row(self, operator, add_tenant, subtests):
        add_tenant()

        for model in REGISTERED:
            with subtests.test(model=model.__name__):
                row = model.objects.order_by("-pk").first()
                assert operator.get(page(model, "change", row.pk)).status_code == 200

    def test_is_closed_to_strangers(self, client, transactional_db, subtests):
        for model in REGISTERED:
            with subtests.test(model=model.__name__):
                assert client.get(page(model, "changelist")).status_code == 302

    def test_is_not_added_by_hand(self, operator, subtests):
        for model in REGISTERED:
            with subtests.test(model=model.__name__):
                expected = 200 if model in WRITTEN_BY_OPERATORS else 403
                assert operator.get(page(model, "add")).status_code == expected


class TestKeys:
    def test_show_neither_secret_nor_hash(self, operator, issued):
        for path in (page(ApiKey, "changelist"), page(ApiKey, "change", issued.key.pk)):
            html = operator.get(path).content.decode()
            assert issued.secret.removeprefix("pc_live_") not in html
            assert issued.key.digest not in html

    def test_are_revoked_by_an_action_and_keep_their_first_date(
        self, operator, issued, owner_client
    ):
        act = {"action": "revoke", "_selected_action": [issued.key.pk]}

        operator.post(page(ApiKey, "changelist"), act)
        first = ApiKey.objects.get(pk=issued.key.pk).revoked_at
        operator.post(page(ApiKey, "changelist"), act)

        assert first is not None
        assert ApiKey.objects.get(pk=issued.key.pk).revoked_at == first
        assert owner_client.get("/api/shows").status_code == 401


class TestPlans:
    def test_are_granted_by_an_action(self, operator, owner, show, owner_client):
        subscription = Subscription.objects.get(account=owner)
        act = {"action": "grant_agent_pro", "_selected_action": [subscription.pk]}

        operator.post(page(Subscription, "changelist"), act)

        subscription.refresh_from_db()
        assert subscription.plan == "agent_pro"
        assert subscription.cycle_started_at > owner.created_at
        for _ in range(6):
            answer = owner_client.post("/api/shows", {"title": "More"}, format="json")
            assert answer.status_code == 201


class TestShows:
    def test_keep_the_token_of_a_private_feed_to_themselves(self, operator, show):
        Show.objects.filter(pk=show.pk).update(visibility="private")

        html = operator.get(page(Show, "change", show.pk)).content.decode()

        assert show.feed_token not in html


class TestEpisodes:
    def test_are_withdrawn_by_an_action(self, operator, owner, show, now):
        made = publish_external(owner, show, now=now)
        act = {"action": "withdraw", "_selected_action": [made.pk]}
        revision = Show.objects.get(pk=show.pk).revision

        operator.post(page(Episode, "changelist"), act)

        made.refresh_from_db()
        assert made.state == "draft"
        assert Show.objects.get(pk=show.pk).revision == revision + 1


class TestWebhooks:
    def test_show_no_secret(self, operator, owner, now):
        made = add_endpoint(owner, now=now)

        for path in (page(Endpoint, "changelist"), page(Endpoint, "change", made.pk)):
            assert made.secret not in operator.get(path).content.decode()

    def test_are_switched_off_by_an_action(self, operator, owner, now):
        made = add_endpoint(owner, now=now)

        operator.post(
            page(Endpoint, "changelist"), {"action": "switch_off", "_selected_action": [made.pk]}
        )

        made.refresh_from_db()
        assert (made.is_active, made.disabled_reason) == (False, "operator")

    def test_are_told_again_by_an_action(self, operator, owner, show, now):
        add_endpoint(owner, now=now)
        publish_external(owner, show, now=now)
        attempt_deliveries(now=now)
        chosen = list(Delivery.objects.values_list("pk", flat=True))

        operator.post(
            page(Delivery, "changelist"), {"action": "redeliver", "_selected_action": chosen}
        )

        assert chosen
        assert set(Delivery.objects.values_list("attempts", flat=True)) == {0}


class TestAccounts:
    def test_take_a_new_name(self, operator, owner):
        operator.post(page(Account, "change", owner.pk), {"name": "Renamed", "email": ""})

        owner.refresh_from_db()
        assert (owner.name, owner.email) == ("Renamed", None)


def test_a_show_has_its_cover_as_a_thumbnail(operator, show):
    add_cover(show)

    shown = operator.get(page(Show, "change", show.pk)).content.decode()

    assert f'<img src="/media/covers/{show.pk}/cover.jpg" alt="Cover" width="160">' in shown


def test_rows_of_the_register_of_files_cannot_be_deleted(operator, now):
    file = StoredFile.objects.create(key="audio/x.mp3", created_at=now)

    assert operator.post(page(StoredFile, "delete", file.pk), {"post": "yes"}).status_code == 403
