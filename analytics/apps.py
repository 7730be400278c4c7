"""Registers the analytics app."""

from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    """Names the app for Django."""

    name = "analytics"
