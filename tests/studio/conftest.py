"""Fixtures for the Studio's tests: podcasts and episodes as its clients make them.

Every answer under /v1 that one of these tests gets has to be one that /v1/openapi.json describes.
"""

from __future__ import annotations

import re
from functools import cache

import jsonschema
import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from production.running import run_production
from production.services import due_productions
from studio.making import due_generations, ended_productions, follow_production, make_episode
from tests.fakes.model_server import run_model_server

ARTICLE = """# The bridge that was bought four times

The bridge at Harrow Point was opened in 1871 and has been sold four times since. Nobody who walked \
over it that winter believed that it would stand for ten years.

## The first owner

The Coast Railway Company paid 24,000 pounds for it in 1874. Its engineer, Ada Harrow, measured every \
beam and wrote the results into three notebooks. The notebooks are kept in the town library today.

## The second owner

In 1902 the town bought the bridge and opened it to carts. The toll was two pence, and on market days \
the queue reached the church. A storm in 1911 took away the eastern rail, which was replaced by oak.
"""


@cache
def document() -> dict:
    return APIClient().get("/v1/openapi.json").json()


def assert_described(method: str, path: str, answer) -> None:
    """The status, the media type and the body stand in the document; 405 stands in none."""
    if answer.status_code == 405:
        return
    paths = document()["paths"]
    shapes = (one for one in paths if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", one), path))
    calls = paths[path] if path in paths else paths.get(next(shapes, None), {})
    if method not in calls:
        assert answer.status_code in {404, 405}, (method, path)
        return
    responses = calls[method]["responses"]
    assert str(answer.status_code) in responses, (method, path, answer.status_code)
    content = responses[str(answer.status_code)].get("content")
    if content is None:
        assert answer.content == b""
        return
    media_type = answer["Content-Type"].partition(";")[0]
    assert media_type in content
    if media_type == "application/json":
        schema = {**content[media_type]["schema"], "components": document()["components"]}
        jsonschema.validate(answer.json(), schema)


@pytest.fixture(autouse=True)
def _described_answers(monkeypatch):
    plain = APIClient.generic

    def generic(self, method, path, *arguments, **options):
        answer = plain(self, method, path, *arguments, **options)
        address = path.partition("?")[0]
        if address.startswith("/v1/") and address != "/v1/openapi.json":
            assert_described(method.lower(), address, answer)
        return answer

    monkeypatch.setattr(APIClient, "generic", generic)


@pytest.fixture
def article() -> str:
    return ARTICLE


@pytest.fixture
def hosts(owner_client: APIClient) -> list[dict]:
    """The default hosts of the fake voices."""
    return owner_client.get("/v1/hosts").json()["data"]


@pytest.fixture
def podcast(owner_client: APIClient, hosts: list[dict]) -> dict:
    body = {"title": "The AI Revolution", "host_ids": [host["id"] for host in hosts[:2]]}
    answer = owner_client.post("/v1/podcasts", body, format="json")
    assert answer.status_code == 201, answer.content
    return answer.json()["data"]


@pytest.fixture
def source(owner_client: APIClient, article: str) -> dict:
    body = {"type": "text", "title": "The bridge", "content": article}
    answer = owner_client.post("/v1/sources", body, format="json")
    assert answer.status_code == 202, answer.content
    return answer.json()["data"]


@pytest.fixture
def server(settings):
    """A model server on this machine, which the writer asks."""
    with run_model_server() as running:
        settings.WRITER, settings.LLM_MODEL = "openai", "m"
        settings.LLM_BASE_URL = running.address
        yield running


@pytest.fixture
def work(transactional_db):
    """Does all background work of the Studio and of production that is due, as workers would."""

    def run(*, productions: bool = True, clock=timezone.now) -> None:
        for _ in range(20):
            done = [
                make_episode(generation_id=one, clock=clock)
                for one in due_generations(now=clock(), limit=100)
            ]
            if productions:
                done += [
                    run_production(production_id=one, clock=clock)
                    for one in due_productions(now=clock(), limit=100)
                ]
            done += [follow_production(episode_id=one, now=clock()) for one in ended_productions()]
            if not any(done):
                return

    return run
