"""Addresses of the keys app."""

from core.routes import api_paths
from keys.api import KeyListView, KeyRotationView, KeyView

urlpatterns = [
    *api_paths("keys", KeyListView.as_view(), name="keys"),
    *api_paths("keys/<id:key_id>", KeyView.as_view(), name="key"),
    *api_paths("keys/<id:key_id>/rotate", KeyRotationView.as_view(), name="key-rotation"),
]
