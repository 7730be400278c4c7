"""Fixtures for the Studio's tests: podcasts and episodes as its clients make them."""

from __future__ import annotations

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from production.running import run_production
from production.services import due_productions
from studio.making import due_generations, ended_productions, follow_production, make_episode

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
