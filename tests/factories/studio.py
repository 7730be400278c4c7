"""Fills an account's Studio: a host, a source, and a podcast that is being generated."""

from __future__ import annotations

from datetime import datetime

from accounts.models import Account
from studio.generating import Options, Planned, SeriesRequest, generate_series
from studio.hosts import list_hosts
from studio.podcasts import PodcastDraft
from studio.sources import add_text_source


def add_studio(account: Account, *, now: datetime, options: Options = Options()) -> Planned:  # noqa: B008 - frozen
    """A row of every kind; with the fake writer nothing is written yet."""
    host = list_hosts(account=account, now=now).order_by("-pk")[0]
    source = add_text_source(account=account, title="Notes", text="Rivers. " * 50, now=now)
    return generate_series(
        account=account,
        request=SeriesRequest(
            podcast=PodcastDraft(title="Rivers", host_ids=[host.public_id]),
            prompt="Rivers",
            source_ids=[source.uuid],
            episodes=1,
            options=options,
        ),
        now=now,
    )
