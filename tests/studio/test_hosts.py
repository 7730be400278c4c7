from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from studio.hosts import list_hosts
from studio.models import Host


class TestDefaultHosts:
    def test_are_one_for_each_voice_in_the_order_of_the_voices(self, owner_client, hosts):
        voices = owner_client.get("/v1/voices").json()["data"]

        assert [host["voice_id"] for host in hosts] == [voice["id"] for voice in voices]
        assert hosts[0]["voice"] == voices[0]

    def test_are_made_once_by_many_first_calls(self, owner, now):
        def first(_number):
            try:
                return list_hosts(account=owner, now=now).count()
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(first, range(8)))

        assert Host.objects.count() == 3

    def test_do_not_come_back_once_archived(self, owner_client, hosts):
        assert owner_client.delete(f"/v1/hosts/{hosts[0]['id']}").status_code == 204

        left = owner_client.get("/v1/hosts").json()["data"]

        assert [host["id"] for host in left] == [host["id"] for host in hosts[1:]]

    def test_follow_the_voices_that_are_there(self, owner_client, owner, hosts):
        Host.objects.filter(public_id=hosts[0]["id"]).update(voice="joe", made_for_voice="joe")

        listed = owner_client.get("/v1/hosts").json()["data"]

        assert hosts[0]["id"] not in {host["id"] for host in listed}


class TestHosts:
    BODY = {"name": "Ada", "backstory": "Wrote the first program.", "title": "Engineer"}

    def test_are_made_changed_and_archived(self, owner_client, hosts):
        body = self.BODY | {"voice_id": hosts[1]["voice_id"]}
        made = owner_client.post("/v1/hosts", body, format="json")
        assert made.status_code == 201
        path = f"/v1/hosts/{made.json()['data']['id']}"

        changed = owner_client.patch(path, {"personality": "Dry."}, format="json").json()["data"]

        assert changed["name"] == "Ada"
        assert changed["personality"] == "Dry."
        assert changed["voice_model"] == "horizon"
        assert owner_client.get(path).json()["data"] == changed
        assert owner_client.delete(path).status_code == 204
        assert owner_client.get(path).status_code == 404
        assert owner_client.delete(path).status_code == 404

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", ""),
            ("name", "x" * 101),
            ("name", 5),
            ("backstory", "short"),
            ("backstory", "x" * 3_001),
            ("backstory", None),
            ("voice_id", 1),
            ("voice_id", "x"),
            ("voice_id", 2**80),
            ("voice_id", True),
            ("title", ["x"]),
            ("personality", {"a": 1}),
        ],
    )
    def test_refuse_a_field_by_name(self, owner_client, hosts, field, value):
        body = self.BODY | {"voice_id": hosts[1]["voice_id"]} | {field: value}

        answer = owner_client.post("/v1/hosts", body, format="json")

        assert answer.status_code == 400
        assert answer.json()["error"]["details"][0]["field"] == field

    @pytest.mark.parametrize("method", ["get", "patch", "delete"])
    def test_are_404_for_a_stranger(self, stranger_client, hosts, method):
        answer = getattr(stranger_client, method)(f"/v1/hosts/{hosts[0]['id']}", format="json")

        assert answer.status_code == 404


class TestVoices:
    def test_are_filtered(self, owner_client):
        german = owner_client.get("/v1/voices", {"language": "de"}).json()["data"]
        female = owner_client.get("/v1/voices", {"gender": "female"}).json()["data"]

        assert [voice["name"] for voice in german] == ["Tief"]
        assert [voice["name"] for voice in female] == ["High"]
        assert owner_client.get("/v1/voices", {"gender": "none"}).status_code == 400

    def test_are_read_by_their_number(self, owner_client):
        (voice, *_others) = owner_client.get("/v1/voices").json()["data"]

        assert owner_client.get(f"/v1/voices/{voice['id']}").json()["data"] == voice
        assert owner_client.get("/v1/voices/1").status_code == 404
