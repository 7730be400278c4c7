"""Records what happened to an episode for the account's webhooks, within the change's own transaction.

Which change fires what: contracts/podclaw.md section 8.
"""

from __future__ import annotations

from datetime import datetime

from episodes.models import Episode
from episodes.serializers import episode_object
from webhooks.event_types import EventType
from webhooks.services import record_event


def record_episode_event(episode: Episode, event_type: EventType, *, now: datetime) -> None:
    """Demands an open transaction; needs `show__account` and `asset` (select_related)."""
    record_event(
        account=episode.show.account, type=event_type, data=episode_object(episode), now=now
    )
