"""Registers the webhooks app."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Names the app for Django."""

    name = "webhooks"
