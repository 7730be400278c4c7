"""Registers the episodes app."""

from django.apps import AppConfig


class EpisodesConfig(AppConfig):
    """Names the app for Django."""

    name = "episodes"
