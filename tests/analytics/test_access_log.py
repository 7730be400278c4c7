"""Tests of access logs as evidence: nginx and Caddy, rotation, hostile lines, no address kept."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command

from analytics.models import BadLine, Download, FunnelDay, LogPosition
from tests.analytics.hit_making import MIDNIGHT
from tests.factories.published import publish_produced

NOON = MIDNIGHT + timedelta(hours=12)
AGENT = "AntennaPod/3.4.0"


@pytest.fixture(autouse=True)
def _at_noon(settings, tmp_path):
    settings.ACCESS_LOG = str(tmp_path / "access.log")
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def episode(owner, show):
    return publish_produced(owner, show, now=MIDNIGHT - timedelta(days=1))


@pytest.fixture
def log(tmp_path):
    return tmp_path / "access.log"


def nginx(episode, **fields):
    known = {
        "time": NOON.timestamp(),
        "remote_addr": "198.51.100.77",
        "method": "GET",
        "uri": f"/media/{episode.asset.storage_key}?x=1",
        "status": 206,
        "body_bytes_sent": 10_250,
        "range": "bytes=0-",
        "user_agent": AGENT,
        "referer": "-",
    }
    return json.dumps(known | fields) + "\n"


def caddy(episode, **fields):
    request = {
        "remote_ip": "10.0.0.1",
        "client_ip": "198.51.100.77",
        "method": "GET",
        "uri": f"/media/{episode.asset.storage_key}",
        "headers": {"User-Agent": [AGENT], "Range": ["bytes=0-"]},
    }
    known = {"ts": NOON.timestamp(), "request": request, "status": 206, "size": 10_250}
    return json.dumps(known | fields) + "\n"


@pytest.mark.parametrize("line", [nginx, caddy])
def test_bytes_of_a_log_are_the_evidence(episode, log, line):
    log.write_text(line(episode))

    call_command("read_access_log")

    assert Download.objects.get().evidence == Download.Evidence.DELIVERED


@pytest.mark.parametrize("line", [nginx, caddy])
def test_what_was_broken_off_is_not_enough(episode, log, line):
    few = {"body_bytes_sent": 500} if line is nginx else {"size": 500}
    log.write_text(line(episode, **few))

    call_command("read_access_log")

    assert not Download.objects.exists()


def test_it_goes_on_where_it_stopped_and_leaves_half_a_line(episode, log):
    whole = nginx(episode)
    log.write_text(whole + whole[:50])
    for _ in range(2):
        call_command("read_access_log")
    log.write_text(whole + whole + nginx(episode, method="HEAD"))
    call_command("read_access_log")

    assert LogPosition.objects.get().offset == log.stat().st_size
    steps = dict(FunnelDay.objects.exclude(step="local").values_list("step", "amount"))
    assert steps == {"eligible": 2, "method": 1, "sessions": 1, "downloads": 1}


def test_a_rotated_log_is_read_to_its_end(episode, log):
    log.write_text(nginx(episode))
    call_command("read_access_log")
    with log.open("a") as file:
        file.write(nginx(episode, user_agent="Overcast/3.0 (+http://overcast.fm/)"))
    log.rename(log.with_name("access.log.1"))
    log.write_text(nginx(episode, user_agent="Castro 2024"))
    for _ in range(2):
        call_command("read_access_log")

    assert Download.objects.count() == 3


def test_lines_that_are_none_are_put_aside_without_their_text(episode, log):
    hostile = [
        "nonsense 198.51.100.77",
        "{}",
        "[]",
        json.dumps({"request": {"method": 7}}),
        json.dumps({"ts": 1e300, "request": {}, "status": 1}),
        nginx(episode, time=-5).strip(),
        nginx(episode, uri="http://[::1").strip(),
        nginx(episode, body_bytes_sent=10**30).strip(),
    ]
    log.write_text("\n".join(hostile) + "\n" + nginx(episode))

    call_command("read_access_log")

    assert Download.objects.count() == 1
    assert BadLine.objects.count() >= 5
    assert "198.51" not in str(list(BadLine.objects.values_list("error", flat=True)))


@pytest.mark.parametrize(
    "path", ["/", "/media/", "/media/../x", "/api/track/1.mp3", "/media/none.mp3"]
)
def test_other_addresses_are_left_alone(episode, log, path):
    log.write_text(nginx(episode, uri=path))

    call_command("read_access_log")

    assert not FunnelDay.objects.exists()


def test_a_log_that_is_missing_stops_nothing(episode, settings):
    call_command("read_access_log")
    settings.ACCESS_LOG = ""
    with pytest.raises(CommandError, match="ACCESS_LOG"):
        call_command("read_access_log")
