"""Registers the feeds app."""

from django.apps import AppConfig


class FeedsConfig(AppConfig):
    """Names the app for Django."""

    name = "feeds"
