"""Registers the shows app."""

from django.apps import AppConfig


class ShowsConfig(AppConfig):
    """Names the app for Django."""

    name = "shows"
