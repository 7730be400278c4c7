"""Registers the billing app."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """Names the app for Django."""

    name = "billing"
