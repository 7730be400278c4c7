"""The method page as data: how this instance counts, in words and numbers that are in force (R78)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

from django.conf import settings

from analytics.agents import BUILTIN_VERSION, PACKAGES
from analytics.keeping import FUNNEL_DAYS
from analytics.methods import MediaPath, method_in_force
from analytics.models import LoadedAgentList
from analytics.networks import TABLES, networks
from analytics.salts import AUDIENCE_DAYS
from analytics.sketches import EXACT_UP_TO, STANDARD_ERROR

_STALE = timedelta(days=90)
_EVIDENCE = {
    MediaPath.OWN: "delivered: this instance sends the audio and counts the bytes that went out",
    MediaPath.STORE: "requested: the ranges that are asked for, since an object store sends them",
    MediaPath.ELSEWHERE: "requested: one request, since what follows it passes this instance by",
}
_DIVERGENCES = (
    "Relays such as iCloud Private Relay count, although IAB names VPNs among non-listeners.",
    "Requests without a User-Agent do not count.",
    "Bytes of two versions of one audio are never added up.",
    "Figures are reset every 32 days for listeners: longer spans are upper bounds.",
)


def method_object(*, now: datetime) -> dict[str, object]:
    """Everything that decides about a number here, with versions and dates."""
    method = method_in_force()
    evidence = _EVIDENCE[method.media]
    if method.byte_log:
        evidence = "delivered: the access log of the proxy in front says which bytes went out"
    return {
        "guideline": "IAB Tech Lab Podcast Technical Measurement Guidelines 2.3",
        "rules_version": method.rules_version,
        "window": {"kind": method.window.value, "hours": 24},
        "threshold": {
            "seconds": 60,
            "basis": "distinct bytes of sound, its tags and cover left out",
            "whole_file_up_to_seconds": 60,
        },
        "evidence": {"own_audio": evidence, "audio_elsewhere": "requested"},
        "listener": "address (IPv6: its first 64 bits) and exact User-Agent, keyed, never stored",
        "settings": {
            name: value
            for name, value in asdict(method).items()
            if name not in {"window", "media", "rules_version"}
        },
        "lists": {"agents": _agent_lists(now=now), "networks": _network_tables(now=now)},
        "listeners": {
            "salt_days": AUDIENCE_DAYS,
            "exact_up_to": EXACT_UP_TO,
            "standard_error": round(STANDARD_ERROR, 4),
        },
        "finality": "A day is final 25 hours after its end; then only a logged rebuild moves it.",
        "divergences": list(_DIVERGENCES),
        "retention": {
            "addresses": "never stored",
            "counting_salts_hours": 48,
            "windows_days": 3,
            "hits_days": settings.HIT_DAYS,
            "funnels_days": FUNNEL_DAYS,
            "downloads": "for good, without any key of a listener",
        },
    }


def _agent_lists(*, now: datetime) -> list[dict[str, object]]:
    lists: list[dict[str, object]] = [
        {"name": "built-in", "version": str(BUILTIN_VERSION)},
        {"name": "device-detector, crawler-user-agents", "version": PACKAGES},
    ]
    newest = LoadedAgentList.objects.defer("files").order_by("-loaded_at", "-pk").first()
    if newest is not None:
        lists.insert(
            0,
            {
                "name": "OPAWG user-agents-v2",
                "version": newest.version,
                "sha256": newest.sha256,
                "loaded_at": newest.loaded_at.isoformat(),
                "is_stale": now - newest.loaded_at > _STALE,
            },
        )
    return lists


def _network_tables(*, now: datetime) -> list[dict[str, object]]:
    loaded = networks(settings.DATA_DIR / "networks").tables()
    found: list[dict[str, object]] = []
    for name in TABLES:
        table = loaded.get(name)
        if table is None:
            rule = "country by the registries' allocations" if name == "countries" else "rule off"
            found.append({"name": name, "loaded": False, "effect": rule})
            continue
        age = now - datetime.fromisoformat(table.loaded_at)
        found.append(
            {
                "name": name,
                "loaded": True,
                "version": table.version,
                "sha256": table.sha256,
                "loaded_at": table.loaded_at,
                "is_stale": age > _STALE,
            }
        )
    return found
