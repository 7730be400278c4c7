from __future__ import annotations

import pytest
from django.utils import timezone

from billing.services import episode_usage
from production.models import Production
from studio.models import Generation, Host


@pytest.fixture
def made(owner_client, podcast, source, work):
    """An episode with audio, from one source."""
    body = {"prompt": "The bridge", "source_ids": [source["id"]], "options": {"length_minutes": 1}}
    answer = owner_client.post(
        f"/v1/podcasts/{podcast['id']}/episodes/generate", body, format="json"
    )
    assert answer.status_code == 202, answer.content
    work()
    return f"/v1/episodes/{answer.json()['data']['id']}"


def plain(script):
    """A script as it can be put again."""
    return {
        "chapters": [
            {
                "title": chapter["title"],
                "segments": [
                    {"host_id": one["host_id"], "text": one["text"]} for one in chapter["segments"]
                ],
            }
            for chapter in script["chapters"]
        ]
    }


class TestScript:
    def test_is_read_with_the_passages_that_it_rests_on(
        self, owner_client, made, settings, podcast, source, work
    ):
        settings.WRITER = "extractive"
        body = {"prompt": "The bridge", "source_ids": [source["id"]]}
        path = f"/v1/podcasts/{podcast['id']}/episodes/generate"
        stub = owner_client.post(path, body, format="json").json()["data"]
        work()

        script = owner_client.get(f"/v1/episodes/{stub['id']}/script").json()["data"]

        assert script["writer"] == "extractive"
        assert script["grounding"] == []
        segment = script["chapters"][1]["segments"][0]
        assert segment["passages"][0]["source_id"] == source["id"]
        assert segment["passages"][0]["text"][:20] in segment["text"]

    def test_is_spoken_anew_only_where_it_changed(self, owner, owner_client, made, work):
        script = plain(owner_client.get(f"{made}/script").json()["data"])
        script["chapters"][0]["segments"][0]["text"] = "A sentence that nobody has said before."

        asked = owner_client.post(f"{made}/script/estimate", script, format="json").json()["data"]
        answer = owner_client.put(f"{made}/script", script, format="json")
        work()

        assert asked["sentences_to_render"] == 1
        assert answer.status_code == 202, answer.content
        assert answer.json()["estimate"] == asked
        assert Production.objects.get().sentences_rendered == 1
        shown = owner_client.get(made).json()["data"]
        assert (shown["status"], shown["writer"]) == ("draft", "owner")
        assert episode_usage(owner, now=timezone.now()).used == 1

    def test_leaves_what_is_public_public(self, owner_client, made, work):
        owner_client.post(f"{made}/publish")
        before = owner_client.get(made).json()["data"]
        script = plain(owner_client.get(f"{made}/script").json()["data"])

        owner_client.put(f"{made}/script", script, format="json")

        assert owner_client.get(made).json()["data"]["status"] == "published"
        work()
        after = owner_client.get(made).json()["data"]
        assert after["status"] == "published"
        assert after["audio_url"] != before["audio_url"]

    def test_cannot_be_changed_while_it_is_being_made(self, owner_client, made):
        script = plain(owner_client.get(f"{made}/script").json()["data"])
        owner_client.put(f"{made}/script", script, format="json")

        assert owner_client.put(f"{made}/script", script, format="json").status_code == 422

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"chapters": []},
            {"chapters": "x"},
            {"chapters": [{"segments": []}]},
            {"chapters": [{"segments": [{"host_id": "nobody00", "text": "Hello."}]}]},
            {"chapters": [{"segments": [{"host_id": "HOST", "text": ""}]}]},
            {"chapters": [{"segments": [{"host_id": "HOST", "text": "🚂"}]}]},
            {"chapters": [{"segments": [{"host_id": "HOST", "text": "x" * 5_001}]}]},
            {"chapters": [{"segments": [{"host_id": "HOST", "text": "x"}] * 201}]},
            {"chapters": [{"segments": [{"host_id": "HOST", "text": "x y " * 1_000}] * 20}]},
            {"chapters": [{"title": 5, "segments": [{"host_id": "HOST", "text": "x"}]}]},
        ],
    )
    def test_refuses_what_is_no_script(self, owner_client, made, hosts, body):
        state = Generation.objects.values().get()
        text = repr(body).replace("HOST", hosts[0]["id"])

        answer = owner_client.put(f"{made}/script", eval(text), format="json")  # noqa: S307 - the text above

        assert answer.status_code == 400, answer.content
        assert answer.json()["error"]["code"] == "validation_error"
        assert Generation.objects.values().get() == state


class TestImport:
    SCRIPT = "# Start\n[High] Hello and welcome.\nThis goes on.\n[Zoe]: Hi!\n\n# End\n[high] Bye."

    @pytest.fixture
    def send(self, owner_client, podcast):
        def post(**body):
            full = {"podcast_id": podcast["id"], "title": "Sent", "script": self.SCRIPT} | body
            return owner_client.post("/v1/episodes/import", full, format="json")

        return post

    def test_makes_an_episode_and_hosts_for_unknown_names(self, owner_client, send, work, hosts):
        answer = send()

        assert answer.status_code == 202, answer.content
        data = answer.json()["data"]
        (new,) = data["magic_created_host_ids"]
        assert data["host_ids"] == [hosts[0]["id"], new]
        assert Host.objects.get(public_id=new).voice != hosts[0]["voice"]
        work()
        shown = owner_client.get(f"/v1/episodes/{data['id']}").json()["data"]
        assert (shown["status"], shown["title"], shown["writer"]) == ("draft", "Sent", "owner")
        assert [chapter["title"] for chapter in shown["chapters"]] == ["Start", "End"]

    @pytest.mark.parametrize(
        ("script", "reason"),
        [
            ("Hello.", "line 1"),
            ("# A\n# B", "in brackets"),
            ("[] x", "line 1"),
            ("[" + "n" * 101 + "] x", "line 1"),
            ("\n".join(f"[H{number}] x" for number in range(5)), "at most 4 speakers"),
            ("[A] " + "x" * 5_001, "5,000"),
            ("[A] 🚂", "spoken"),
            ("x" * 75_001, "75,000"),
            (5, "string"),
        ],
    )
    def test_refuses_what_cannot_be_read_and_makes_nothing(self, send, script, reason):
        before = set(Host.objects.values_list("pk", flat=True))

        answer = send(script=script)

        assert answer.status_code == 400
        assert reason in answer.json()["error"]["message"]
        assert not Generation.objects.exists()
        assert set(Host.objects.values_list("pk", flat=True)) == before
