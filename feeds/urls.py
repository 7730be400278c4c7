"""Addresses of the feeds app; those that listeners use belong to edge."""

from core.routes import api_paths
from feeds.api import GoLiveView

urlpatterns = [*api_paths("shows/<id:show_id>/go-live", GoLiveView.as_view(), name="go-live")]
