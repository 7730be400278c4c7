"""Generating through the API, with the fake writer and the fake voice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from billing.services import episode_usage
from core.models import StoredFile
from episodes.files import sweep_files
from episodes.models import AudioAsset, Episode
from production.models import Production
from studio.models import Generation, GenerationRequest, StudioPodcast
from webhooks.models import Event


@pytest.fixture
def generate(owner_client, hosts):
    """Asks for a series with two hosts."""

    def ask(client=owner_client, **body):
        full = {"prompt": "Bridges", "host_ids": [host["id"] for host in hosts[:2]]} | body
        return client.post("/v1/podcasts/generate", full, format="json")

    return ask


def ends_told() -> list[str]:
    """What webhooks were told of how generations ended."""
    kinds = ("episode.generated", "episode.failed", "episode.cancelled")
    return list(Event.objects.filter(type__in=kinds).values_list("type", flat=True))


class TestSeries:
    def test_is_planned_in_the_request_and_made_after_it(self, owner_client, generate, work):
        answer = generate(options={"num_episodes": 2, "length_minutes": 1})

        assert answer.status_code == 202, answer.content
        body = answer.json()
        assert body["status"] == "accepted"
        stubs = body["data"]["episodes"]
        assert [stub["status"] for stub in stubs] == ["generating", "generating"]
        assert all(stub["title"] for stub in stubs)
        assert sorted(body["data"]["episode_ids"]) == sorted(stub["id"] for stub in stubs)

        work()

        for stub in stubs:
            made = owner_client.get(f"/v1/episodes/{stub['id']}").json()["data"]
            assert made["status"] == "draft", made
            assert made["audio_url"]
            assert abs(made["duration"] - 60) <= 9
            assert made["writer"] == "fake"
            assert len(made["host_ids"]) == 2
            assert "generation" not in made

    def test_gives_two_voices_their_names_and_times(self, owner_client, generate, work, hosts):
        (stub,) = generate(options={"length_minutes": 1}).json()["data"]["episodes"]
        path = f"/v1/episodes/{stub['id']}/timestamps"
        assert owner_client.get(path).status_code == 404
        work()

        by_word = owner_client.get(path).json()["data"]
        by_segment = owner_client.get(path, {"granularity": "segment"}).json()["data"]
        vtt = owner_client.get(path, {"format": "vtt"})
        srt = owner_client.get(path, {"format": "srt"})

        names = [host["name"] for host in hosts[:2]]
        assert [one["name"] for one in by_word["speakers"]] == names
        assert [one["host_id"] for one in by_word["speakers"]] == [h["id"] for h in hosts[:2]]
        starts = [word["start"] for word in by_word["words"]]
        assert starts == sorted(starts)
        assert {"word", "start", "end", "speaker"} <= set(by_word["words"][0])
        assert [one["speaker"] for one in by_segment["segments"]][:2] == [0, 1]
        assert by_segment["segments"][0]["words"][0]["word"] == "This"
        assert vtt.headers["Content-Type"].startswith("text/vtt")
        assert f"<v {names[0]}>" in vtt.content.decode()
        assert srt.headers["Content-Type"].startswith("application/x-subrip")
        assert f"{names[1]}: " in srt.content.decode()

    def test_tells_webhooks_how_it_ended(self, generate, work):
        generate(options={"length_minutes": 1})
        work()

        assert "episode.generated" in set(Event.objects.values_list("type", flat=True))

    def test_keeps_the_title_and_description_that_were_given(self, generate):
        data = generate(title="Mine", description="Ours").json()["data"]

        assert (data["title"], data["description"]) == ("Mine", "Ours")

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"host_ids": []}, "host_ids"),
            ({"host_ids": ["nobody00"]}, "host_ids"),
            ({"host_ids": "x"}, "host_ids"),
            ({"prompt": None}, "prompt"),
            ({"prompt": 5}, "prompt"),
            ({"prompt": "x" * 20_001}, "prompt"),
            ({"source_ids": ["x"]}, "source_ids.0"),
            ({"source_ids": ["550e8400-e29b-41d4-a716-446655440000"]}, "source_ids"),
            ({"language": "english"}, "language"),
            ({"language": "fr"}, "host_ids"),
            ({"show_order": "random"}, "show_order"),
            ({"title": "x" * 1_001}, "title"),
            ({"options": []}, "options"),
            ({"options": {"num_episodes": 9}}, "options.num_episodes"),
            ({"options": {"num_episodes": 0}}, "options.num_episodes"),
            ({"options": {"num_episodes": "many"}}, "options.num_episodes"),
            ({"options": {"episode_length": "huge"}}, "options.episode_length"),
            ({"options": {"length_minutes": 76}}, "options.length_minutes"),
            ({"options": {"web_search": "perhaps"}}, "options.web_search"),
            ({"options": {"strict": [1]}}, "options.strict"),
        ],
    )
    def test_refuses_a_field_by_name_and_makes_nothing(self, generate, body, field):
        answer = generate(**body)

        assert answer.status_code == 400, answer.content
        assert answer.json()["error"]["details"][0]["field"] == field
        assert not StudioPodcast.objects.exists()
        assert not GenerationRequest.objects.exists()

    def test_answers_the_same_request_once_under_its_key(self, owner_client, generate):
        owner_client.credentials(**owner_client._credentials, HTTP_IDEMPOTENCY_KEY="a-key-of-mine")

        first, second = generate(), generate()

        assert first.json() == second.json()
        assert Episode.objects.count() == 1

    def test_takes_a_host_whose_voice_speaks_the_language(self, generate, hosts):
        german = [host["id"] for host in hosts if host["voice"]["language"] == "de"]

        assert generate(language="de").status_code == 400
        assert generate(language="de-AT", host_ids=german).status_code == 202


class TestEpisode:
    def test_is_made_from_a_prompt_with_the_podcasts_hosts(self, owner_client, podcast, work):
        answer = owner_client.post(
            f"/v1/podcasts/{podcast['id']}/episodes/generate",
            {"prompt": "Trains", "options": {"length_minutes": 1}},
            format="json",
        )

        assert answer.status_code == 202
        data = answer.json()["data"]
        assert set(data) == {"id", "podcast_id", "host_ids", "status", "created_at", "updated_at"}
        assert data["host_ids"] == podcast["host_ids"]
        waiting = owner_client.get(f"/v1/episodes/{data['id']}").json()["data"]
        assert waiting["title"] is None
        assert waiting["generation"] == {"phase": "queued", "progress_pct": 0}

        work()

        made = owner_client.get(f"/v1/episodes/{data['id']}").json()["data"]
        assert (made["status"], made["title"]) == ("draft", "About Trains")
        assert "generated by software" in made["description"]

    def test_needs_a_prompt(self, owner_client, podcast):
        answer = owner_client.post(
            f"/v1/podcasts/{podcast['id']}/episodes/generate", {}, format="json"
        )

        assert answer.status_code == 400
        assert answer.json()["error"]["details"][0]["field"] == "prompt"

    def test_is_404_in_a_strangers_podcast(self, stranger_client, podcast):
        answer = stranger_client.post(
            f"/v1/podcasts/{podcast['id']}/episodes/generate", {"prompt": "x"}, format="json"
        )

        assert answer.status_code == 404

    def test_says_its_disclosure_aloud_where_that_is_wished(self, owner_client, podcast, work):
        body = {"prompt": "x", "options": {"length_minutes": 1, "spoken_disclosure": True}}
        path = f"/v1/podcasts/{podcast['id']}/episodes/generate"
        made = owner_client.post(path, body, format="json").json()["data"]
        work()

        words = owner_client.get(f"/v1/episodes/{made['id']}/timestamps").json()["data"]["words"]

        assert " ".join(word["word"] for word in words[-3:]) == "by a computer."


class TestLimits:
    def test_take_a_batch_whole_and_work_on_five_of_it(self, owner, generate, work, now):
        assert generate(options={"num_episodes": 8, "length_minutes": 1}).status_code == 202

        work(productions=False)

        assert Generation.objects.filter(state="producing").count() == 5
        assert Generation.objects.filter(state="queued").count() == 3
        work()
        assert set(Generation.objects.values_list("state", flat=True)) == {"complete"}
        assert episode_usage(owner, now=timezone.now()).used == 8

    def test_refuse_while_five_are_under_way(self, generate):
        assert generate(options={"num_episodes": 5}).status_code == 202

        answer = generate()

        assert answer.status_code == 429
        assert answer.json()["error"]["code"] == "concurrent_limit_exceeded"
        assert answer.headers["Retry-After"]

    def test_charge_nothing_for_a_batch_that_does_not_fit(self, generate, work):
        generate(options={"num_episodes": 4, "length_minutes": 1})
        work()
        # However long that took, they were asked for within the last minute.
        GenerationRequest.objects.update(created_at=timezone.now())

        refused = generate(options={"num_episodes": 7})

        assert refused.status_code == 429
        assert refused.json()["error"]["code"] == "rate_limited"
        assert generate(options={"num_episodes": 6}).status_code == 202

    def test_answer_402_when_the_plan_has_too_few_left(self, generate, work, time_machine, now):
        generate(options={"num_episodes": 8, "length_minutes": 1})
        work()
        GenerationRequest.objects.all().delete()

        answer = generate(options={"num_episodes": 3})

        assert answer.status_code == 402
        assert answer.json()["error"]["code"] == "insufficient_credits"

    def test_hold_exactly_under_many_parallel_calls(self, generate, issued, client_for, hosts):
        def ask(_number):
            try:
                return generate(client_for(issued.secret)).status_code
            finally:
                connection.close()

        with ThreadPoolExecutor(40) as pool:
            answers = list(pool.map(ask, range(40)))

        assert sorted(answers) == [202] * 5 + [429] * 35
        assert Episode.objects.count() == Generation.objects.count() == 5
        assert StudioPodcast.objects.count() == 5
        assert not GenerationRequest.objects.filter(is_planning=True).exists()

    def test_give_back_what_a_plan_that_was_killed_had_reserved(self, owner, generate, now):
        GenerationRequest.objects.create(
            account=owner,
            weight=8,
            is_planning=True,
            lease_until=now - timedelta(days=1),
            created_at=timezone.now(),
        )

        assert generate(options={"num_episodes": 8}).status_code == 202


class TestEnding:
    @pytest.fixture
    def stub(self, generate):
        return generate(options={"length_minutes": 1}).json()["data"]["episodes"][0]

    def test_cancels_what_waits_and_gives_the_quota_back(self, owner, owner_client, stub, work):
        path = f"/v1/episodes/{stub['id']}"

        answer = owner_client.post(f"{path}/cancel")

        assert answer.status_code == 200
        assert answer.json()["data"]["status"] == "failed"
        assert "Cancelled" in answer.json()["data"]["error_message"]
        assert episode_usage(owner, now=timezone.now()).used == 0
        work()
        assert owner_client.get(path).json()["data"]["status"] == "failed"
        assert owner_client.post(f"{path}/cancel").status_code == 422
        assert ends_told() == ["episode.cancelled"]

    def test_cancels_what_is_being_produced(self, owner_client, stub, work):
        work(productions=False)

        answer = owner_client.post(f"/v1/episodes/{stub['id']}/cancel")

        assert answer.status_code == 200
        work()
        assert Generation.objects.get().state == "cancelled"
        assert ends_told() == ["episode.cancelled"]

    def test_cancels_on_a_machine_whose_clock_is_behind(self, owner_client, stub):
        with time_machine.travel(timezone.now() - timedelta(seconds=10)):
            answer = owner_client.post(f"/v1/episodes/{stub['id']}/cancel")

        assert answer.status_code == 200
        assert Generation.objects.get().state == "cancelled"

    def test_tries_again_what_failed_and_charges_once(self, owner, owner_client, stub, work):
        path = f"/v1/episodes/{stub['id']}"
        assert owner_client.post(f"{path}/retry").status_code == 422
        owner_client.post(f"{path}/cancel")

        answer = owner_client.post(f"{path}/retry")
        work()

        assert answer.status_code == 202
        assert owner_client.get(path).json()["data"]["status"] == "draft"
        assert episode_usage(owner, now=timezone.now()).used == 1

    @pytest.mark.parametrize("call", ["cancel", "retry", "script/estimate"])
    def test_is_404_for_a_stranger(self, stranger_client, stub, call):
        assert stranger_client.post(f"/v1/episodes/{stub['id']}/{call}").status_code == 404

    @pytest.mark.parametrize("stage", ["queued", "producing", "complete"])
    def test_leaves_no_row_and_no_file_when_the_show_is_deleted(
        self, owner_client, stub, work, stage
    ):
        if stage != "queued":
            work(productions=stage == "complete")
        (podcast,) = owner_client.get("/v1/podcasts").json()["data"]

        assert owner_client.delete(f"/v1/podcasts/{podcast['id']}").status_code == 204

        work()
        sweep_files(now=timezone.now() + timedelta(days=1))
        for model in (Episode, Generation, Production, AudioAsset, StoredFile, StudioPodcast):
            assert not model.objects.exists(), model
