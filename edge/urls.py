"""The door's addresses, by name and for Django; edge/routes.py says what lies behind them."""

from django.urls import path, re_path

from edge.views import at_the_door, feed, track, trailer

urlpatterns = [
    re_path(r"^api/(?:v1/)?shows/[0-9]+/feed\Z", feed, name="feed"),
    re_path(r"^feeds/podcast_[0-9a-f]{16}\.xml\Z", at_the_door, name="private-feed"),
    re_path(
        r"^api/(?:v1/)?track/(?:[0-9]{1,19}|ep_[A-Za-z0-9]{1,29})(?:\.[A-Za-z0-9]{1,5})?\Z",
        track,
        name="track",
    ),
    re_path(r"^api/(?:v1/)?shows/[0-9]{1,19}/trailer\.mp3\Z", trailer, name="trailer"),
    path("media/<path:key>", at_the_door, name="media"),
]
