"""Addresses of the feeds app."""

from django.urls import path, re_path

from feeds.views import feed_by_id, feed_by_token

urlpatterns = [
    path("api/shows/<int:show_id>/feed", feed_by_id, name="feed"),
    path("api/v1/shows/<int:show_id>/feed", feed_by_id),
    re_path(r"^feeds/(?P<token>podcast_[0-9a-f]{16})\.xml\Z", feed_by_token, name="private_feed"),
]
