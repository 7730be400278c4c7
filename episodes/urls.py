"""Addresses of the episodes app."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
