"""Registers the analytics app, and its part of the readiness probe."""

from django.apps import AppConfig

from core.probes import CHECKS


class AnalyticsConfig(AppConfig):
    """Names the app for Django."""

    name = "analytics"

    def ready(self) -> None:
        """Let /readyz say when hits get lost."""
        from analytics.losses import check_counting  # noqa: PLC0415 - needs the settings to be loaded

        CHECKS["counting"] = check_counting
