"""Registers the studio app."""

from django.apps import AppConfig


class StudioConfig(AppConfig):
    """Names the app for Django."""

    name = "studio"
