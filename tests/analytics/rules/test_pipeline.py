"""Rules R60, R61 and R70 of contracts/analytics.md: playing comes first, and counting says how it fares.

The other rules of the pipeline are tested beside what they are about, under their numbers too.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from analytics import listening
from analytics.health import report_health
from analytics.models import Alert, BadLine, Counter
from tests.factories.published import publish_external


@pytest.fixture
def world():
    """None of the other rules' episodes."""


@pytest.fixture
def episode(owner, show, now):
    return publish_external(owner, show, now=now)


def test_r60_playing_never_fails_because_of_counting(client, episode, monkeypatch):
    monkeypatch.setattr(listening, "_hit", lambda *_, **__: 1 / 0)

    assert client.get(f"/api/track/{episode.pk}.mp3").status_code == 302


@pytest.mark.parametrize("method", ["get", "head"])
def test_r61_a_redirect_is_never_kept_and_its_address_ends_as_audio_does(client, episode, method):
    feed = client.get(f"/api/shows/{episode.show_id}/feed").content.decode()
    path = f"/api/track/{episode.pk}.mp3"

    answered = getattr(client, method)(path, HTTP_RANGE="bytes=0-99")
    assert (answered.status_code, answered["Cache-Control"]) == (302, "private, no-store")
    assert f'{path}"' in feed


def test_r70_lag_and_what_is_lost_are_figures_and_alerts(db, data_dir, capsys, admin_client):
    now = timezone.now()
    old = int((now - timedelta(hours=1)).timestamp() * 1_000)
    (data_dir / "spool").mkdir(parents=True)
    (data_dir / "spool" / f"{old:013d}-aa.hits").write_bytes(b"")
    BadLine.objects.create(segment="x", line=1, error="cut", found_at=now)
    Counter.objects.get_or_create(pk=1)
    for _ in range(2):
        report_health(now=now)

    kinds = {alert.kind: (alert.amount, alert.usual) for alert in Alert.objects.all()}
    assert kinds == {"lag": (3_600, 300), "bad_lines": (1, 0)}
    call_command("counting_health")
    printed = json.loads(capsys.readouterr().out)
    assert printed["lag_seconds"] >= 3_600
    assert (printed["waiting_segments"], printed["lost_hits"], printed["open_alerts"]) == (1, 0, 2)
    page = admin_client.get("/admin/analytics/counter/").content.decode()
    assert re.search(r"field-lag_seconds\">3,?[0-9]{3}<", page)
