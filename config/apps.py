"""Loads the Celery application with Django, so that every process knows every task by its name."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class PodwrightConfig(AppConfig):
    """Wires Celery's registry; the other apps know only task names."""

    name = "config"

    def ready(self) -> None:
        """Import every app's tasks once all models are there."""
        from config.celery import app  # noqa: PLC0415 - needs the settings to be loaded

        app.set_default()
        autodiscover_modules("tasks")
