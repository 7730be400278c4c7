"""Addresses of the keys app."""

from core.routes import api_paths
from keys.api import KeyListView

urlpatterns = [*api_paths("keys", KeyListView.as_view(), name="keys")]
