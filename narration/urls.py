"""Addresses of the PodRead contract; integer ids under /api/v1/episodes belong to the episodes app."""

from __future__ import annotations

from django.urls import path, re_path

import core.routes  # noqa: F401 - registers the converter of ids
from narration.api import (
    FeedAddressView,
    FeedListView,
    ListenerListView,
    ListenerView,
    NarrationView,
    VoiceListView,
    narrations_or_episodes,
)
from narration.openapi import OpenApiView
from narration.reading_api import (
    LeftOutView,
    LexiconEntryView,
    LexiconView,
    PreviewView,
    ReadingSettingsView,
)
from narration.signing_in_api import (
    AccountStatusView,
    DeviceCodeView,
    DeviceTokenView,
    machine_payments,
)

urlpatterns = [
    path("api/v1/episodes", narrations_or_episodes, name="narrations"),
    # An id of digits alone, and the word "publish", are addresses of contracts/podclaw.md.
    re_path(
        r"^api/v1/episodes/(?P<public_id>(?![0-9]+\Z|publish\Z)[^/]+)\Z",
        NarrationView.as_view(),
        name="narration",
    ),
    re_path(
        r"^api/v1/episodes/(?P<public_id>ep_[^/]+)/left-out\Z",
        LeftOutView.as_view(),
        name="narration-left-out",
    ),
    path("api/v1/openapi.json", OpenApiView.as_view(), name="narration-openapi"),
    path("api/v1/reading", ReadingSettingsView.as_view(), name="reading-settings"),
    path("api/v1/lexicon", LexiconView.as_view(), name="lexicon"),
    path("api/v1/lexicon/preview", PreviewView.as_view(), name="lexicon-preview"),
    path("api/v1/lexicon/<id:entry_id>", LexiconEntryView.as_view(), name="lexicon-entry"),
    path("api/v1/auth/device_codes", DeviceCodeView.as_view(), name="device-codes"),
    path("api/v1/auth/device_tokens", DeviceTokenView.as_view(), name="device-tokens"),
    path("api/v1/auth/status", AccountStatusView.as_view(), name="account-status"),
    path("api/v1/mpp/<path:rest>", machine_payments, name="machine-payments"),
    path("api/v1/feed/listeners", ListenerListView.as_view(), name="listeners"),
    path("api/v1/feed/listeners/<id:listener_id>", ListenerView.as_view(), name="listener"),
    path(
        "api/v1/feed/<id:show_id>/listeners", ListenerListView.as_view(), name="listeners-of-show"
    ),
    path(
        "api/v1/feed/<id:show_id>/listeners/<id:listener_id>",
        ListenerView.as_view(),
        name="listener-of-show",
    ),
    path("api/v1/feeds", FeedListView.as_view(), name="private-feeds"),
    path("api/v1/feed", FeedAddressView.as_view(), name="narration-feed"),
    path("api/v1/voices", VoiceListView.as_view(), name="voices"),
]
