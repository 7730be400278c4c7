"""The JSON examples of the PodClaw API page for keys, shows, episodes, webhooks and uploads, as data."""

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
SHOW_ANALYTICS = {
    "success": True,
    "show": {"id": 1, "title": "The AI Daily"},
    "analytics": {
        "plan_tier": "agent_pro",
        "summary": {
            "total_episodes": 12,
            "downloads_all_time": 4823,
            "downloads_last_30d": 1240,
            "avg_downloads_per_episode": 401.9,
        },
        "top_episodes": [
            {
                "id": 7,
                "title": "Ep 7: GPT-5",
                "published_at": "2025-11-01T00:00:00Z",
                "downloads": 980,
            }
        ],
        "growth_trend": {
            "period": "last_30d",
            "granularity": "daily",
            "data": [
                {"date": "2025-12-01", "downloads": 42},
                {"date": "2025-12-02", "downloads": 58},
            ],
        },
    },
}
EPISODE_ANALYTICS = {
    "success": True,
    "episode": {
        "id": 7,
        "title": "Ep 7: GPT-5",
        "published_at": "2025-11-01T00:00:00Z",
        "show": {"id": 1, "title": "The AI Daily"},
    },
    "analytics": {
        "plan_tier": "agent_pro",
        "summary": {"total_downloads": 980},
        "downloads_over_time": {
            "period": "last_30d",
            "granularity": "daily",
            "data": [{"date": "2025-11-01", "downloads": 320}],
            "pagination": {"page": 1, "limit": 30, "total": 10, "pages": 1},
        },
        "download_velocity": {"first_24h": 320, "first_7d": 750, "first_30d": 980},
    },
}
DOWNLOADS = {
    "success": True,
    "analytics": {
        "plan_tier": "agent_pro",
        "period": "day",
        "from": "2025-11-16T00:00:00Z",
        "to": "2025-12-16T00:00:00Z",
        "total_downloads": 4823,
        "time_series": {
            "data": [{"period_start": "2025-11-16T00:00:00Z", "downloads": 55}],
            "pagination": {"page": 1, "limit": 30, "total": 30, "pages": 1},
        },
        "by_show": [{"show_id": 1, "show_title": "The AI Daily", "downloads": 4823}],
        "top_episodes": [
            {
                "episode_id": 7,
                "episode_title": "Ep 7: GPT-5",
                "show_id": 1,
                "show_title": "The AI Daily",
                "downloads": 980,
            }
        ],
    },
}
LISTENERS = {
    "success": True,
    "analytics": {
        "plan_tier": "agent_pro",
        "from": "2025-11-16T00:00:00Z",
        "to": "2025-12-16T00:00:00Z",
        "summary": {
            "unique_listeners_estimate": 1842,
            "total_downloads": 4823,
            "note": "Unique listener estimate uses IP-hash + user-agent deduplication. "
            "Geographic data not available.",
        },
        "podcast_apps": [
            {
                "app_name": "Apple Podcasts",
                "downloads": 2100,
                "unique_listeners": 812,
                "pct_of_downloads": 43.5,
            },
            {
                "app_name": "Spotify",
                "downloads": 1800,
                "unique_listeners": 690,
                "pct_of_downloads": 37.3,
            },
            {
                "app_name": "Overcast",
                "downloads": 450,
                "unique_listeners": 200,
                "pct_of_downloads": 9.3,
            },
            {
                "app_name": "Other",
                "downloads": 473,
                "unique_listeners": 140,
                "pct_of_downloads": 9.9,
            },
        ],
    },
}
OP3 = {
    "success": True,
    "show": {"id": 1, "title": "My Podcast", "slug": "my-podcast"},
    "op3": {
        "podcast_guid": "550e8400-e29b-41d4-a716-446655440000",
        "op3_url": "https://op3.dev/show/550e8400-e29b-41d4-a716-446655440000",
        "period_days": 30,
        "total_downloads": 1842,
        "episodes": [
            {"episode_guid": "abc123", "title": "Ep 5", "downloads": 823},
            {"episode_guid": "def456", "title": "Ep 4", "downloads": 612},
        ],
    },
}
KEY_QUICKSTART = {
    "api_key": {"key": "pc_live_..."},
    "quickstart": {"step1_create_show": {"curl": "curl ..."}},
}
SHOW_CREATED = {"show": {"id": 1, "slug": "daily-ai-briefing"}}
SHOW_CHANGED = {
    "success": True,
    "show": {
        "id": 1,
        "title": "Daily AI Briefing v2",
        "description": "Smarter AI news, every morning.",
        "updated_at": "2026-03-17T14:30:00.000Z",
    },
}
EPISODES = {"success": True, "episodes": [{"id": 88, "title": "Title", "status": "published"}]}
INSUFFICIENT_SCOPE = {"success": False, "error": 'Insufficient scope. Required: "shows:write"...'}
WEBHOOK_CREATED = {
    "success": True,
    "webhook": {
        "id": 1,
        "url": "https://yourapp.com/webhooks/podclaw",
        "events": ["episode.published", "episode.deleted"],
        "secret": "abc123...",
        "is_active": True,
    },
    "note": "Store the secret securely...",
}
WEBHOOKS = {
    "success": True,
    "webhooks": [
        {
            "id": 1,
            "url": "https://yourapp.com/webhooks/podclaw",
            "events": ["episode.published", "episode.deleted"],
            "is_active": True,
        }
    ],
}
DELIVERY = {
    "event": "episode.published",
    "delivery_id": "d1e2f3...",
    "timestamp": "2026-04-01T07:00:01.234Z",
    "data": {
        "id": 88,
        "show_id": 42,
        "guid": "550e8400-e29b-41d4-a716-446655440000",
        "title": "Episode 2 — Coming Soon",
        "status": "published",
        "publish_at": "2026-04-01T07:00:00.000Z",
    },
}
UPLOADED = {
    "success": True,
    "url": "https://r2.podclaw.com/podclaw/1710000000_episode.mp3",
    "filename": "episode.mp3",
    "size": 45231890,
    "content_type": "audio/mpeg",
}
MULTIPART_CREATED = {
    "success": True,
    "message": "Episode created with uploaded audio file.",
    "episode": {"id": 42, "audio_url": "https://r2.podclaw.com/..."},
    "feed_url": "https://podclaw.polsia.app/api/shows/1/feed",
}
_DISTRIBUTION = {
    name: {"status": "ready_to_submit", "submit_url": address, "instructions": "1. Open ..."}
    for name, address in {
        "spotify": "https://podcasters.spotify.com/pod/submit/rss?feed=...",
        "apple": "https://podcastsconnect.apple.com/my-podcasts/new-feed?submitfeed=true&url=...",
    }.items()
}
LIVE = {
    "success": True,
    "status": "live",
    "feed_url": "https://podclaw.polsia.app/api/shows/42/feed",
    "validation": {"passed": True, "checks": [{"check": "title_present", "passed": True}]},
    "trailer_generated": False,
    "distribution": _DISTRIBUTION,
}
LIVE_WITH_TRAILER = {
    "success": True,
    "status": "live",
    "feed_url": "https://podclaw.polsia.app/api/shows/42/feed",
    "trailer_generated": True,
    "trailer_episode": {
        "id": 101,
        "title": "My Podcast — Trailer",
        "audio_url": "https://podclaw.polsia.app/api/shows/42/trailer.mp3",
        "episode_type": "trailer",
    },
    "distribution": _DISTRIBUTION,
}
NOT_LIVE = {
    "success": False,
    "error": "Pre-flight validation failed",
    "validation": {
        "passed": False,
        "checks": [{"check": "title_present", "passed": True}],
        "failures": [
            'category_valid: "Tech" is not in Apple\'s official category list',
            "owner_email_present: Set owner_email on the show, or activate a billing plan",
        ],
    },
}
