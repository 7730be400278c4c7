"""Registers the keys app."""

from django.apps import AppConfig


class KeysConfig(AppConfig):
    """Names the app for Django."""

    name = "keys"
