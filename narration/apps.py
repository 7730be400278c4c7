"""Registers the narration app."""

from django.apps import AppConfig


class NarrationConfig(AppConfig):
    """Names the app for Django."""

    name = "narration"
