"""Addresses of the analytics app: where listening is seen."""

from django.urls import path, re_path

from analytics.api import media, track

urlpatterns = [
    # The extension is for the players: whatever it is, the episode is the same.
    re_path(
        r"^api/(?:v1/)?track/(?P<reference>[0-9]{1,19}|ep_[A-Za-z0-9]{1,29})(?:\.[A-Za-z0-9]{1,5})?\Z",
        track,
        name="track",
    ),
    path("media/<path:key>", media, name="media"),
]
