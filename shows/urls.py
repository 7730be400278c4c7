"""Addresses of the shows app."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
