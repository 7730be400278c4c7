"""The JSON examples of the Jellypod pages, as data."""

from __future__ import annotations

PODCAST = {
    "id": "550e8400-e29b-41d4-a716-446655440000",
    "title": "The AI Revolution",
    "description": "A deep dive into how artificial intelligence is transforming industries.",
    "image_url": None,
    "host_ids": ["xK9mQ2pL"],
    "languages": ["en"],
    "show_order": "episodic",
    "show_visibility": "unlisted",
    "url": "https://the-ai-revolution-a1b2c3.jellypod.com",
    "rss_feed_url": "https://the-ai-revolution-a1b2c3.jellypod.com/rss.xml",
    "episode_ids": ["d4e5f6a7-b8c9-0123-def4-567890abcdef"],
    "created_at": "2026-03-01T10:00:00.000Z",
    "updated_at": "2026-03-01T10:00:30.000Z",
}
ERROR = {
    "error": {
        "code": "bad_request",
        "message": "string",
        "request_id": "string",
        "details": [{"field": "string", "message": "string"}],
    }
}
EPISODE = {
    "id": "d4e5f6a7-b8c9-0123-def4-567890abcdef",
    "podcast_id": "550e8400-e29b-41d4-a716-446655440000",
    "status": "generating",
    "title": None,
    "description": None,
    "image_url": None,
    "video_url": None,
    "audio_url": None,
    "duration": None,
    "host_ids": ["xK9mQ2pL"],
    "source_ids": [],
    "generation": {"phase": "script", "progress_pct": 25},
    "created_at": "2026-03-01T10:00:00.000Z",
    "updated_at": "2026-03-01T10:00:30.000Z",
}
VOICE = {
    "id": 1,
    "description": "A warm voice.",
    "language": "en",
    "gender": "female",
    "accent": "American",
    "voice_type": "professional",
}
HOST = {
    "id": "xK9mQ2pL",
    "name": "Ada",
    "title": "Host",
    "backstory": "Ten characters and more.",
    "personality": None,
    "voice_id": 1,
    "voice_model": "horizon",
    "voice": VOICE,
    "created_at": "2026-03-01T10:00:00.000Z",
    "updated_at": "2026-03-01T10:00:30.000Z",
}
SOURCE = {
    "id": "550e8400-e29b-41d4-a716-446655440000",
    "title": "A source",
    "type": "text",
    "status": "completed",
    "metadata": {},
    "error_message": None,
    "created_at": "2026-03-01T10:00:00.000Z",
    "updated_at": "2026-03-01T10:00:30.000Z",
}
ACCOUNT = {"organization_id": "org_1", "plan": "free", "credits": {"balance": 10}}
PAGINATION = {"has_more": False, "next_cursor": None}
