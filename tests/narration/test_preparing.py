from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection as database

from billing.services import episode_usage
from episodes.models import Episode
from episodes.services import delete_episode
from episodes.states import ProductionState
from narration import preparing
from narration.models import Narration
from narration.preparing import (
    LEASE,
    MAX_ATTEMPTS,
    RETRY_AFTER,
    due_narrations,
    prepare_narration,
)
from narration.services import Submission, submit_narration
from narration.tasks import sweep_narrations_task
from production.models import Production
from production.script import Script
from tests.fakes.web_server import WebServer, answer
from tests.narration.pages import PARAGRAPHS, page

FRENCH = "Les trains de la vallée ne sont jamais en retard, et les gens s'y fient toujours. " * 6
GERMAN = "Die Züge im Tal kommen nie zu spät, und die Leute stellen ihre Uhren danach. " * 6


@pytest.fixture
def server(settings) -> Iterator[WebServer]:
    settings.OUTBOUND_ALLOW = (ipaddress.ip_network("127.0.0.0/8"),)
    with WebServer() as running:
        running.routes["/p"] = answer(page(head='<meta name="author" content="Jane Doe">').encode())
        yield running


@pytest.fixture
def submitted(owner, now):
    """Submits a narration and gives its row."""

    def submit(**fields):
        return submit_narration(account=owner, submission=Submission(**fields), now=now)

    return submit


def meanwhile(work, reply):
    """A page whose server does `work` on the database before it answers."""

    def behave(connection):
        try:
            work()
        finally:
            database.close()  # the server's thread has a connection of its own
        connection.sendall(reply)

    return behave


def prepare(narration, now):
    """Prepares and gives the row and the episode as they are then."""
    done = prepare_narration(narration_id=narration.pk, now=now)
    narration = Narration.objects.select_related("episode").get(pk=narration.pk)
    return done, narration, narration.episode


class TestPrepareAddress:
    def test_hands_the_article_to_production(self, server, submitted, now):
        made = submitted(url=server.url("/p?utm_source=x"))

        done, narration, episode = prepare(made, now)

        assert done
        assert narration.state == Narration.State.PREPARED
        assert episode.title == "The Land That Pays"
        assert episode.author == "Jane Doe"
        assert episode.description == f"{PARAGRAPHS[0]}\n\nOriginal URL: {server.url('/p')}"
        production = Production.objects.get()
        assert production.episode == episode
        assert production.publish_on_complete
        script = Script.from_json(production.script)
        spoken = [placed.sentence.text for placed in script.sentences()]
        assert spoken[0] == "The Land That Pays, by Jane Doe."
        assert " ".join(spoken).endswith(PARAGRAPHS[-1])

    def test_reads_the_page_that_the_client_saw_and_asks_for_none(self, server, submitted, now):
        made = submitted(url=server.url("/p"), html=page(title="Seen by the client"))

        _done, _narration, episode = prepare(made, now)

        assert episode.title == "Seen by the client"
        assert episode.description.endswith(f"Original URL: {server.url('/p')}")
        assert server.requests == []

    def test_reads_what_an_extension_sends(self, submitted, now):
        url = "https://site.example/p"
        made = submitted(url=url, text="\n\n".join(PARAGRAPHS), from_extension=True, title="Land")

        _done, _narration, episode = prepare(made, now)

        assert (episode.title, episode.author) == ("Land", "Unknown")
        assert Production.objects.exists()

    def test_reads_out_the_title_that_was_sent_instead_of_the_pages(self, server, submitted, now):
        made = submitted(url=server.url("/p"), title="Mine", author="Me", description="About.")

        _done, _narration, episode = prepare(made, now)

        assert (episode.title, episode.author, episode.description) == ("Mine", "Me", "About.")
        spoken = Script.from_json(Production.objects.get().script).sentences()
        assert next(iter(spoken)).sentence.text == "Mine, by Me."

    def test_shows_that_it_is_preparing_while_the_page_is_fetched(self, server, submitted, now):
        made = submitted(url=server.url("/p"))
        seen = []

        def look():
            seen.append(Episode.objects.get().production_state)

        server.routes["/p"] = meanwhile(look, answer(page().encode()))

        prepare(made, now)

        assert seen == [ProductionState.PREPARING]

    def test_leaves_the_author_unknown_where_the_page_names_none(self, server, submitted, now):
        server.routes["/p"] = answer(page().encode())

        _done, _narration, episode = prepare(submitted(url=server.url("/p")), now)

        assert episode.author == "Unknown"
        spoken = Script.from_json(Production.objects.get().script).sentences()
        assert next(iter(spoken)).sentence.text == "The Land That Pays"

    def test_keeps_the_description_within_its_limit(self, server, submitted, now):
        address = "/p?" + "x" * 1_500
        server.routes[address] = answer(page().encode())

        _done, _narration, episode = prepare(submitted(url=server.url(address)), now)

        assert episode.description == PARAGRAPHS[0]

    def test_refuses_more_text_than_the_plan_allows(self, owner, server, submitted, now):
        long = "".join(f"<p>{number}. {PARAGRAPHS[0]}</p>" for number in range(150))
        server.routes["/p"] = answer(page(f"<article>{long}</article>").encode())

        _done, narration, episode = prepare(submitted(url=server.url("/p")), now)

        assert narration.state == Narration.State.FAILED
        assert episode.production_state == ProductionState.FAILED
        assert "exceeds your plan's 15,000 character limit (2" in episode.error_message
        assert episode_usage(owner, now=now).used == 0

    @pytest.mark.parametrize(
        ("reply", "reason"),
        [
            (answer(status="404 Not Found"), "no such page"),
            (answer(page("<p>Hi.</p>").encode()), "Could not extract article content"),
            (answer(b"%PDF", content_type="application/pdf"), "application/pdf"),
            (answer(page("<i></i>" * 60_000).encode()), "too large"),
            (
                answer(page(f"<article><p>{FRENCH}</p></article>").encode()),
                "Languages on offer: en, de",
            ),
        ],
    )
    def test_fails_at_once_where_trying_again_is_no_use(
        self, owner, server, submitted, now, reply, reason
    ):
        server.routes["/p"] = reply

        _done, narration, episode = prepare(submitted(url=server.url("/p")), now)

        assert narration.state == Narration.State.FAILED
        assert narration.attempts == 1
        assert narration.error_code
        assert episode.production_state == ProductionState.FAILED
        assert reason in episode.error_message
        assert episode_usage(owner, now=now).used == 0
        assert not Production.objects.exists()

    def test_does_not_call_private_networks(self, submitted, now, settings):
        settings.OUTBOUND_ALLOW = ()

        _done, narration, episode = prepare(submitted(url="http://127.0.0.1:8000/"), now)

        assert narration.error_code == "address_refused"
        assert "private" in episode.error_message

    def test_tries_again_where_that_may_help(self, server, submitted, now):
        made = submitted(url=server.url("/p"))
        works = server.routes["/p"]
        server.routes["/p"] = answer(status="503 Busy")

        _done, narration, episode = prepare(made, now)

        assert narration.state == Narration.State.WAITING
        assert narration.due_at == now + RETRY_AFTER[0]
        assert episode.production_state == ProductionState.PREPARING
        assert not prepare_narration(narration_id=made.pk, now=now)

        server.routes["/p"] = works
        _done, narration, _episode = prepare(made, now + RETRY_AFTER[0])
        assert narration.state == Narration.State.PREPARED

    def test_gives_up_after_the_last_attempt(self, owner, server, submitted, now):
        made = submitted(url=server.url("/p"))
        server.routes["/p"] = answer(status="503 Busy")

        for attempt in range(MAX_ATTEMPTS):
            _done, narration, episode = prepare(made, now + timedelta(minutes=5 * attempt))

        assert narration.state == Narration.State.FAILED
        assert episode.error_message == ("Could not fetch URL: 127.0.0.1 answered with status 503.")
        assert len(server.requests) == MAX_ATTEMPTS


class TestPrepareText:
    def test_hands_the_text_to_production(self, submitted, now):
        made = submitted(text="\n\n".join(PARAGRAPHS), title="Notes", author="Jane", voice="low")

        _done, narration, episode = prepare(made, now)

        assert narration.state == Narration.State.PREPARED
        assert (episode.title, episode.author) == ("Notes", "Jane")
        assert episode.description == PARAGRAPHS[0]
        assert episode.production_state == ProductionState.PENDING
        production = Production.objects.get()
        assert production.voice == "low"
        assert Script.from_json(production.script).voices() == ("low",)

    def test_makes_a_title_where_none_was_given(self, submitted, now):
        _done, _narration, episode = prepare(submitted(text="# On trains\n\n" + PARAGRAPHS[0]), now)

        assert episode.title == "On trains"
        assert episode.author == "Unknown"

    def test_says_the_first_sentence_once_where_it_is_the_title(self, submitted, now):
        text = "Trains are never late. " + PARAGRAPHS[0]

        _done, _narration, episode = prepare(submitted(text=text), now)

        script = Script.from_json(Production.objects.get().script)
        assert episode.title == "Trains are never late."
        spoken = [placed.sentence.text for placed in script.sentences()]
        assert spoken[0] == episode.title
        assert spoken.count(episode.title) == 1

    def test_fails_a_text_without_words(self, submitted, now):
        _done, narration, episode = prepare(submitted(text="🚂 " * 100), now)

        assert narration.state == Narration.State.FAILED
        assert episode.error_message

    def test_chooses_a_voice_of_the_texts_language(self, submitted, now):
        prepare(submitted(text=GERMAN), now)

        assert Production.objects.get().voice == "tief"

    def test_refuses_a_voice_of_another_language(self, submitted, now):
        _done, narration, episode = prepare(submitted(text=GERMAN, voice="high"), now)

        assert narration.error_code == "voice_for_other_language"
        assert "Voices for it: tief. Languages on offer: en, de." in episode.error_message
        assert not Production.objects.exists()


class TestClaims:
    def test_called_twice_does_the_work_once(self, submitted, now):
        made = submitted(text=PARAGRAPHS[0])

        assert prepare_narration(narration_id=made.pk, now=now)
        assert not prepare_narration(narration_id=made.pk, now=now + LEASE * 2)
        assert Production.objects.count() == 1

    def test_an_unknown_or_deleted_one_is_left_alone(self, owner, submitted, now):
        made = submitted(text=PARAGRAPHS[0])
        delete_episode(account=owner, episode_id=made.episode_id, now=now)

        assert not prepare_narration(narration_id=made.pk, now=now)

    def test_one_that_is_deleted_meanwhile_ends_quietly(self, owner, server, submitted, now):
        made = submitted(url=server.url("/p"))

        def delete_first():
            delete_episode(account=owner, episode_id=made.episode_id, now=now)

        server.routes["/p"] = meanwhile(delete_first, answer(page().encode()))

        assert prepare_narration(narration_id=made.pk, now=now)
        assert not Episode.objects.exists()
        assert not Production.objects.exists()

    def test_a_worker_that_was_too_slow_leaves_the_row_to_its_successor(
        self, server, submitted, now
    ):
        made = submitted(url=server.url("/p"))
        works = server.routes["/p"]

        def let_another_overtake():
            server.routes["/p"] = works
            assert prepare_narration(narration_id=made.pk, now=now + LEASE * 2)

        late = answer(page(title="Too late").encode())
        server.routes["/p"] = meanwhile(let_another_overtake, late)

        prepare_narration(narration_id=made.pk, now=now)

        assert Production.objects.count() == 1
        assert Episode.objects.get().title == "The Land That Pays"

    def test_one_whose_worker_died_is_due_when_the_lease_has_run_out(self, submitted, now):
        made = submitted(text=PARAGRAPHS[0])
        Narration.objects.filter(pk=made.pk).update(
            state="preparing", lease=made.episode.uuid, lease_until=now + LEASE, attempts=1
        )

        later = now + LEASE
        assert due_narrations(now=later - timedelta(seconds=1), limit=9) == []
        assert due_narrations(now=later, limit=9) == [made.pk]
        assert prepare_narration(narration_id=made.pk, now=later)

    def test_one_that_kills_its_workers_fails_in_the_end(self, owner, submitted, now):
        made = submitted(text=PARAGRAPHS[0])
        Narration.objects.filter(pk=made.pk).update(attempts=MAX_ATTEMPTS)

        _done, narration, episode = prepare(made, now)

        assert narration.state == Narration.State.FAILED
        assert "broke off" in episode.error_message
        assert episode_usage(owner, now=now).used == 0

    def test_a_bug_in_an_extractor_is_an_attempt_not_a_crash(self, submitted, now, monkeypatch):
        def break_down(*_arguments, **_named):
            raise ZeroDivisionError

        monkeypatch.setattr(preparing, "article_from_text", break_down)

        _done, narration, _episode = prepare(submitted(text=PARAGRAPHS[0]), now)

        assert narration.state == Narration.State.WAITING
        assert narration.error_code == "preparing_failed"

    def test_the_sweep_rings_for_what_is_due(self, submitted, now, monkeypatch):
        made = [submitted(text=PARAGRAPHS[0]) for _ in range(2)]
        rung = []
        monkeypatch.setattr("narration.tasks.enqueue", lambda name, **ids: rung.append((name, ids)))

        sweep_narrations_task()

        assert rung == [("narration.prepare", {"narration_id": row.pk}) for row in made]

    def test_preparing_and_deleting_at_once_never_block_each_other(self, owner, submitted, now):
        made = [submitted(text=PARAGRAPHS[0]) for _ in range(6)]

        def run(call):
            try:
                call()
            finally:
                database.close()

        calls = [partial(prepare_narration, narration_id=row.pk, now=now) for row in made]
        calls += [
            partial(delete_episode, account=owner, episode_id=row.episode_id, now=now)
            for row in made
        ]
        with ThreadPoolExecutor(len(calls)) as threads:
            list(threads.map(run, calls))

        assert not Episode.objects.exists()
        assert not Production.objects.exists()
