"""An account that has one of everything."""

from __future__ import annotations

import pytest

from billing.plans import ENTERPRISE
from billing.services import grant_plan
from episodes.services import EpisodeDraft, create_episode
from webhooks.services import ping_endpoint, register_endpoint


@pytest.fixture
def known(owner, show, now):
    """An id for each parameter of an address: all belong to an account without plan limits."""
    grant_plan(account_id=owner.pk, plan=ENTERPRISE, now=now)
    draft = EpisodeDraft(title="An episode", audio_url="https://cdn.example.com/a.mp3")
    episode = create_episode(account=owner, show_id=show.pk, draft=draft, now=now)
    endpoint = register_endpoint(
        account=owner, url="https://hooks.example.com/", events=["*"], now=now
    )
    delivery = ping_endpoint(account=owner, endpoint_id=endpoint.pk, now=now)
    return {
        "show_id": show.pk,
        "episode_id": episode.pk,
        "episode": str(episode.pk),
        "endpoint_id": endpoint.pk,
        "delivery_id": str(delivery.uuid),
        "key_id": owner.keys.get().pk,
    }
