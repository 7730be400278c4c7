"""Registers the production app."""

from django.apps import AppConfig


class ProductionConfig(AppConfig):
    """Names the app for Django."""

    name = "production"
