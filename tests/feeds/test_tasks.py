"""Tests of the feeds' background care."""

from __future__ import annotations

from celery import current_app

from feeds.store import FeedStore, public_version
from shows.services import delete_show


def test_the_sweep_removes_feeds_of_deleted_shows_and_may_run_twice(owner, show, data_dir, now):
    FeedStore(data_dir / "feeds").get(public_version(show.pk))
    delete_show(account=owner, show_id=show.pk, now=now)

    for _ in range(2):
        current_app.tasks["feeds.sweep"]()

    assert list((data_dir / "feeds").iterdir()) == []
