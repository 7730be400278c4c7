"""The commands that lead a new key to a live feed, ready to be pasted into a shell."""

from __future__ import annotations

import json

from django.conf import settings

_SHOW = {"title": "Daily AI Briefing", "author": "My Agent", "category": "Technology"}
_EPISODE = {
    "audio_url": "https://cdn.example.com/episode-001.mp3",
    "title": "What agents shipped this week",
    "duration_seconds": 847,
    "episode_number": 1,
}
#: Picks the id of the newest show out of the list, with tools that every shell has.
_FIRST_ID = "grep -o '\"id\":[0-9]*' | head -n 1 | cut -d : -f 2"


def quickstart(*, secret: str) -> dict[str, dict[str, str]]:
    """Three steps, each with a description and one curl command that holds the key `secret`."""
    base = f"{settings.PUBLIC_URL}/api"
    key = f"-H 'Authorization: Bearer {secret}'"
    json_type = "-H 'Content-Type: application/json'"
    newest_show = f"$(curl -s {base}/shows {key} | {_FIRST_ID})"
    # The closing and opening quotes let the shell fill in the id in the middle of the JSON.
    episode = f'{{"show_id": \'"{newest_show}"\', {json.dumps(_EPISODE)[1:]}'
    return {
        "step1_create_show": {
            "description": "Create a show. The answer holds its id.",
            "curl": f"curl -X POST {base}/shows {key} {json_type} -d '{json.dumps(_SHOW)}'",
        },
        "step2_publish_episode": {
            "description": "Publish an episode in the newest show, with your own audio_url.",
            "curl": f"curl -X POST {base}/episodes/publish {key} {json_type} -d '{episode}'",
        },
        "step3_get_feed": {
            "description": "Read the RSS feed. Its address is what podcast directories want.",
            "curl": f"curl {base}/shows/{newest_show}/feed",
        },
    }
