"""Records what happened to an episode for the account's webhooks, within the change's own transaction.

Which change fires what: contracts/podclaw.md section 8.
"""

from __future__ import annotations

from datetime import datetime

from episodes.models import Episode
from episodes.serializers import episode_object
from webhooks.event_types import EventType
from webhooks.services import record_events


def record_episode_event(episode: Episode, *types: EventType, now: datetime) -> None:
    """Several of one change are recorded in their order.

    Demands an open transaction; needs `show__account` and `asset` (select_related).
    """
    record_events(account=episode.show.account, types=types, data=episode_object(episode), now=now)
