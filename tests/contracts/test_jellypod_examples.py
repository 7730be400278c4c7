"""Every answer has the shape of the Jellypod pages' examples: their names, and their kinds of values."""

from __future__ import annotations

import re
from uuid import UUID

import pytest

from tests.contracts import jellypod_examples as examples

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def assert_shape(found, example, place=""):
    """`found` has all names of the example with values of their kind; null stands for any kind."""
    if isinstance(example, dict):
        assert isinstance(found, dict), place
        assert set(example) <= set(found), f"{place} lacks {set(example) - set(found)}"
        for name, value in example.items():
            assert_shape(found[name], value, f"{place}.{name}")
    elif isinstance(example, list):
        assert isinstance(found, list), place
        for item in found if example else ():
            assert_shape(item, example[0], f"{place}[]")
    elif isinstance(example, str) and MOMENT.fullmatch(example):
        assert MOMENT.fullmatch(found), place
    elif example is not None and found is not None:
        assert type(found) is type(example), place


@pytest.fixture
def hosts(owner_client):
    return owner_client.get("/v1/hosts").json()["data"]


@pytest.fixture
def generated(owner_client, hosts):
    body = {"host_ids": [hosts[0]["id"]], "prompt": "Rivers", "options": {"num_episodes": 2}}
    answer = owner_client.post("/v1/podcasts/generate", body, format="json")
    assert answer.status_code == 202
    return answer.json()


class TestPodcasts:
    def test_generate_answers_with_the_whole_podcast_and_stubs(self, generated):
        assert generated["status"] == "accepted"
        assert_shape(generated["data"], examples.PODCAST)
        UUID(generated["data"]["id"])
        assert len(generated["data"]["episode_ids"]) == 2
        for stub in generated["data"]["episodes"]:
            assert_shape(stub, {"id": "", "title": "", "status": "generating"})

    def test_read_change_and_list_answer_with_the_podcast(self, owner_client, generated):
        path = f"/v1/podcasts/{generated['data']['id']}"

        listed = owner_client.get("/v1/podcasts").json()

        assert_shape(owner_client.get(path).json(), {"data": examples.PODCAST})
        changed = owner_client.patch(path, {"title": "New"}, format="json").json()
        assert_shape(changed, {"data": examples.PODCAST})
        assert_shape(listed, {"data": [examples.PODCAST], "pagination": examples.PAGINATION})

    def test_create_answers_201_and_delete_204_without_a_body(self, owner_client, hosts):
        body = {"title": "The AI Revolution", "host_ids": [hosts[0]["id"]]}

        made = owner_client.post("/v1/podcasts", body, format="json")
        gone = owner_client.delete(f"/v1/podcasts/{made.json()['data']['id']}")

        assert made.status_code == 201
        assert_shape(made.json(), {"data": examples.PODCAST})
        assert (gone.status_code, gone.content) == (204, b"")


class TestEpisodes:
    def test_are_shown_and_listed(self, owner_client, generated):
        (first, _second) = generated["data"]["episode_ids"]

        shown = owner_client.get(f"/v1/episodes/{first}").json()
        listed = owner_client.get("/v1/episodes").json()

        assert_shape(shown, {"data": examples.EPISODE})
        short = {k: v for k, v in examples.EPISODE.items() if k != "generation"}
        assert_shape(listed, {"data": [short], "pagination": examples.PAGINATION})
        assert not {"generation", "error_message"} & set(listed["data"][0])


class TestOthers:
    @pytest.mark.parametrize(
        ("path", "example"),
        [("hosts", examples.HOST), ("voices", examples.VOICE), ("sources", examples.SOURCE)],
    )
    def test_lists_have_their_objects(self, owner_client, hosts, path, example):
        text = {"type": "text", "title": "T", "content": "Rivers. " * 30}
        made = owner_client.post("/v1/sources", text, format="json")
        assert_shape(made.json(), {"data": examples.SOURCE})

        listed = owner_client.get(f"/v1/{path}").json()

        assert listed["data"]
        assert_shape(listed, {"data": [example], "pagination": examples.PAGINATION})
        one = owner_client.get(f"/v1/{path}/{listed['data'][0]['id']}").json()
        assert_shape(one, {"data": example})

    def test_the_account_has_plan_and_credits(self, owner_client):
        answer = owner_client.get("/v1/account").json()

        assert_shape(answer, {"data": examples.ACCOUNT})
        assert answer["data"]["plan"] == "free"
        assert answer["data"]["credits"]["balance"] == 10

    @pytest.mark.parametrize(
        ("method", "path", "status", "code"),
        [
            ("get", "/v1/podcasts?limit=0", 400, "validation_error"),
            ("get", "/v1/podcasts/550e8400-e29b-41d4-a716-446655440000", 404, "not_found"),
            ("get", "/v1/episodes/550e8400-e29b-41d4-a716-446655440000", 404, "not_found"),
            ("get", "/v1/sources/550e8400-e29b-41d4-a716-446655440000", 404, "not_found"),
            ("get", "/v1/hosts/xK9mQ2pL", 404, "not_found"),
            ("post", "/v1/podcasts/generate", 400, "validation_error"),
            ("put", "/v1/podcasts", 405, "bad_request"),
        ],
    )
    def test_refusals_have_the_error_object(self, owner_client, method, path, status, code):
        answer = getattr(owner_client, method)(path, format="json")

        assert answer.status_code == status
        assert_shape(answer.json(), examples.ERROR)
        assert answer.json()["error"]["code"] == code
        assert answer.json()["error"]["request_id"].startswith("req_")
