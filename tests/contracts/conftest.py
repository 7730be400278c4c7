"""An account that has one of everything."""

from __future__ import annotations

import pytest

from billing.plans import ENTERPRISE
from billing.services import grant_plan
from episodes.services import EpisodeDraft, create_episode
from production.models import Production
from production.running import run_production
from studio.generating import Options
from studio.making import follow_production, make_episode
from studio.models import Host
from studio.voices import voice_number
from tests.factories.studio import add_studio
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


@pytest.fixture
def known_to_studio(owner, now):
    """The same for the addresses of the Studio; the episode has audio."""
    grant_plan(account_id=owner.pk, plan=ENTERPRISE, now=now)
    planned = add_studio(owner, now=now, options=Options(seconds=5))
    (episode,) = planned.episodes
    assert make_episode(generation_id=episode.generation.pk, clock=lambda: now)
    production = Production.objects.get(episode=episode)
    assert run_production(production_id=production.pk, clock=lambda: now)
    assert follow_production(episode_id=episode.pk, now=now)
    host = Host.objects.get(public_id=episode.generation.host_ids[0])
    return {
        "podcast_id": str(planned.podcast.uuid),
        "episode_id": str(episode.uuid),
        "host_id": host.public_id,
        "voice_id": voice_number(host.voice),
        "source_id": str(owner.sources.get().uuid),
    }
