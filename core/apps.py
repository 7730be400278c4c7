"""Registers the core app."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Names the app for Django."""

    name = "core"
