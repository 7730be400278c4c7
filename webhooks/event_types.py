"""Names of events: those of the contract (contracts/podclaw.md section 8) and some of our own."""

from __future__ import annotations

from django.db import models

#: In an endpoint's list of events: all of them.
EVERYTHING = "*"


class EventType(models.TextChoices):
    """What can happen."""

    SHOW_CREATED = "show.created", "Show created"
    SHOW_UPDATED = "show.updated", "Show updated"
    SHOW_DELETED = "show.deleted", "Show deleted"
    EPISODE_CREATED = "episode.created", "Episode created"
    EPISODE_UPDATED = "episode.updated", "Episode updated"
    EPISODE_PUBLISHED = "episode.published", "Episode published"
    EPISODE_DELETED = "episode.deleted", "Episode deleted"
    EPISODE_GENERATED = "episode.generated", "Episode generated: it has audio"
    EPISODE_FAILED = "episode.failed", "Episode not generated"
    EPISODE_CANCELLED = "episode.cancelled", "Generation of the episode cancelled by its owner"
    WEBHOOK_DISABLED = "webhook.disabled", "Another endpoint of the account was switched off"
    WEBHOOK_PING = "webhook.ping", "A test, asked for by the owner"


#: What an endpoint may ask for; a ping only ever goes to the endpoint that it tests.
SELECTABLE = (*(name for name in EventType.values if name != EventType.WEBHOOK_PING), EVERYTHING)
