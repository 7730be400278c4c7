"""Where a feed is handed in: neither directory has an interface for it, so people get the links."""

from __future__ import annotations

from urllib.parse import quote

_SPOTIFY = "https://podcasters.spotify.com/pod/submit/rss?feed="
_APPLE = "https://podcastsconnect.apple.com/my-podcasts/new-feed?submitfeed=true&url="
_SPOTIFY_STEPS = (
    "Open the Spotify submission URL and sign in with a Spotify account",
    "Confirm the feed address and continue",
    "Enter the code that Spotify sends to the owner e-mail of the show",
    "Approval typically takes 1-5 business days",
)
_APPLE_STEPS = (
    "Sign in to Apple Podcasts Connect with an Apple Account",
    "Open the Apple submission URL; the feed address is filled in",
    "Choose who may see the show and confirm that you own its content",
    "Save, then submit it for review, which typically takes 1-5 business days",
    "Once approved, your show appears globally",
)


def distribution(feed_url: str) -> dict[str, dict[str, str]]:
    """What to open and what to do there, by directory (contracts/podclaw.md E22)."""
    return {
        "spotify": _directory(_SPOTIFY, feed_url, _SPOTIFY_STEPS),
        "apple": _directory(_APPLE, feed_url, _APPLE_STEPS),
    }


def _directory(address: str, feed_url: str, steps: tuple[str, ...]) -> dict[str, str]:
    return {
        "status": "ready_to_submit",
        "submit_url": address + quote(feed_url, safe=""),
        "instructions": "\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1)),
    }
