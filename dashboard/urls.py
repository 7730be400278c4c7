"""Addresses of the pages that people open: home, shows, episodes."""

from django.urls import path

from dashboard.views import home
from episodes.views import episode_page, show_page

urlpatterns = [
    path("", home, name="home"),
    path("shows/<slug:slug>", show_page, name="show-page"),
    path("shows/<slug:slug>/<slug:public_id>", episode_page, name="episode-page"),
]
