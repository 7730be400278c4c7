"""Registers the feeds app, and what it does at a public change."""

from django.apps import AppConfig

from core.changes import RECEIVERS


class FeedsConfig(AppConfig):
    """Names the app for Django."""

    name = "feeds"

    def ready(self) -> None:
        """Take a changed feed out of the web server's sight."""
        from feeds.shown_files import withdraw_files  # noqa: PLC0415 - needs the settings to be loaded

        RECEIVERS.append(withdraw_files)
