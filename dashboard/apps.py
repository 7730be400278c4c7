"""Registers the dashboard app."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    """Names the app for Django."""

    name = "dashboard"
