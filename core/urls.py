"""Addresses of the probes."""

from django.urls import path

from core.probes import live, ready

urlpatterns = [
    path("livez", live, name="livez"),
    path("readyz", ready, name="readyz"),
]
