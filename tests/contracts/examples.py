"""The JSON examples of the PodClaw API page for keys, shows and episodes, as data."""

from __future__ import annotations

KEY_CREATED = {
    "success": True,
    "api_key": {
        "id": 1,
        "key": "pc_live_a1b2c3d4e5f6...",
        "prefix": "pc_live_a1b2",
        "name": "my-agent",
        "created_at": "2026-03-14T00:00:00.000Z",
    },
    "warning": "Store this key securely. It will not be shown again.",
}
SCOPED_KEY_CREATED = {
    "success": True,
    "api_key": {"id": 7, "key": "pc_live_...", "scopes": ["shows:read", "episodes:read"]},
}
SHOWS = {
    "success": True,
    "shows": [
        {
            "id": 1,
            "slug": "daily-ai-briefing",
            "title": "Daily AI Briefing",
            "description": "AI news, every morning.",
            "author": "AI News Bot",
            "language": "en",
            "category": "Technology",
            "image_url": None,
            "website_url": None,
            "explicit": False,
            "episode_count": 12,
            "created_at": "2026-03-01T00:00:00.000Z",
            "updated_at": "2026-03-14T00:00:00.000Z",
        }
    ],
    "count": 1,
}
SHOW = {"success": True, "show": SHOWS["shows"][0]}
EPISODE_PUBLISHED = {
    "success": True,
    "episode": {
        "id": 1,
        "guid": "550e8400-e29b-41d4-a716-446655440000",
        "title": "What agents shipped this week",
        "audio_url": "https://storage.example.com/ep-001.mp3",
        "show_slug": "daily-ai-briefing",
    },
    "feed_url": "https://podclaw.polsia.app/api/shows/1/feed",
    "message": 'Episode "What agents shipped this week" published to Daily AI Briefing. '
    "RSS feed updated.",
}
EPISODE_SCHEDULED = {
    "success": True,
    "episode": {"id": 88, "status": "scheduled", "publish_at": "2026-04-01T07:00:00.000Z"},
    "message": 'Episode "Episode 2 — Coming Soon" scheduled for 2026-04-01T07:00:00.000Z.',
}
EPISODE_CHANGED = {
    "success": True,
    "episode": {
        "id": 42,
        "guid": "550e8400-e29b-41d4-a716-446655440000",
        "title": "Episode 5: The Future of LLMs",
        "status": "scheduled",
        "publish_at": "2026-03-24T07:00:00.000Z",
    },
}
QUOTA_EXCEEDED = {
    "success": False,
    "error": "Episode limit reached. Your Sandbox plan allows 10 episodes/month (10 used). "
    "Upgrade at GET /api/billing",
    "usage": {"episodes_used": 10, "episodes_limit": 10, "plan": "sandbox"},
}
PLANS = {
    "success": True,
    "plans": [
        {
            "id": "sandbox",
            "name": "Sandbox",
            "price_usd": 0,
            "per_episode_usd": 0,
            "per_download_per_1k_usd": 0,
            "episodes_per_month": 10,
            "max_shows": 5,
            "checkout_url": None,
        },
        {
            "id": "agent_pro",
            "name": "Agent Pro",
            "price_usd": 49,
            "per_episode_usd": 0.05,
            "per_download_per_1k_usd": 0.01,
            "episodes_per_month": None,
            "max_shows": None,
            "checkout_url": "https://buy.stripe.com/...",
        },
        {
            "id": "agent_scale",
            "name": "Agent Scale",
            "price_usd": 199,
            "per_episode_usd": 0.03,
            "per_download_per_1k_usd": 0.005,
            "episodes_per_month": None,
            "max_shows": None,
            "checkout_url": "https://buy.stripe.com/...",
        },
        {
            "id": "enterprise",
            "name": "Enterprise",
            "price_usd": None,
            "contact": "hello@podclaw.io",
        },
    ],
}
BILLING = {
    "success": True,
    "billing": {
        "plan": "agent_pro",
        "plan_name": "Agent Pro",
        "price_usd": 49,
        "per_episode_usd": 0.05,
        "per_download_per_1k_usd": 0.01,
        "billing_cycle": {
            "start": "2026-03-01T00:00:00Z",
            "end": "2026-03-31T00:00:00Z",
            "days_remaining": 18,
        },
        "usage": {
            "episodes": {
                "used": 23,
                "limit": None,
                "remaining": None,
                "estimated_usage_cost_usd": 1.15,
            },
            "downloads": {"total": 4820, "estimated_usage_cost_usd": 0.0482},
            "storage": {"used_gb": 2.4},
        },
        "upgrade_options": [PLANS["plans"][2], PLANS["plans"][3]],
    },
}
ACTIVATED = {
    "success": True,
    "message": "Plan upgraded to Agent Pro! Base fee: $49/mo + $0.05/episode.",
    "billing": {
        "plan": "agent_pro",
        "plan_name": "Agent Pro",
        "price_usd": 49,
        "per_episode_usd": 0.05,
        "per_download_per_1k_usd": 0.01,
        "activated_at": "2026-03-14T00:00:00.000Z",
        "billing_cycle_start": "2026-03-14T00:00:00.000Z",
    },
}
