from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from episodes.models import Episode


@pytest.fixture
def run(live_server, settings):
    """Runs a printed command in a shell, against a live server."""
    settings.PUBLIC_URL = live_server.url
    settings.ALLOWED_HOSTS = ["*"]

    def run_in_shell(command):
        assert shutil.which("curl")
        done = subprocess.run(
            ["sh", "-c", command], capture_output=True, text=True, check=True, timeout=150
        )
        return done.stdout

    return run_in_shell


def test_leads_from_a_key_to_a_feed_by_its_own_commands(run, live_server):
    printed = json.loads(run(f"curl -s -X POST {live_server.url}/api/keys"))["quickstart"]

    show = json.loads(run(printed["step1_create_show"]["curl"]))
    episode = json.loads(run(printed["step2_publish_episode"]["curl"]))
    feed = run(printed["step3_get_feed"]["curl"])

    assert show["success"] is True
    assert episode["episode"]["show_id"] == show["id"]
    assert Episode.objects.count() == 1
    assert "<title>What agents shipped this week</title>" in feed
