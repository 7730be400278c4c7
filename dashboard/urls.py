"""Addresses of the pages that people open: home, sign-in, shows, episodes."""

from django.urls import path

from dashboard.signing_in import device_page, sign_in_page, sign_out_page
from dashboard.views import home
from episodes.views import episode_page, show_page

urlpatterns = [
    path("", home, name="home"),
    path("sign-in", sign_in_page, name="sign-in"),
    path("sign-out", sign_out_page, name="sign-out"),
    path("auth/device", device_page, name="device"),
    path("shows/<slug:slug>", show_page, name="show-page"),
    path("shows/<slug:slug>/<slug:public_id>", episode_page, name="episode-page"),
]
