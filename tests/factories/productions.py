"""Makes episodes whose audio is to be produced, and the productions of them."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import Account
from episodes.models import Episode
from episodes.services import create_produced_episode
from production.models import Production
from production.script import Script
from production.services import start_production
from shows.models import Show
from shows.services import ShowDraft, create_show


def make_episode(account: Account, *, now: datetime) -> Episode:
    """An episode without audio, in a show of the account."""
    show = Show.objects.visible_to(account).first() or create_show(
        account=account, draft=ShowDraft(title="Made here"), now=now
    )
    with transaction.atomic():
        return create_produced_episode(
            account=account,
            show=show,
            title="An evening in the library",
            author="Ada Author",
            description="",
            now=now,
        )


def make_production(
    account: Account,
    script: Script,
    *,
    now: datetime,
    episode: Episode | None = None,
    publish: bool = True,
) -> Production:
    """A production that waits for a worker."""
    episode = episode or make_episode(account, now=now)
    with transaction.atomic():
        return start_production(
            episode=episode,
            script=script,
            voice=script.voices()[0],
            publish_on_complete=publish,
            now=now,
        )
