"""Addresses of the shows app."""

from core.routes import api_paths
from shows.api import RetirementView, ShowImageView, ShowListView, ShowView

urlpatterns = [
    *api_paths("shows", ShowListView.as_view(), name="shows"),
    *api_paths("shows/<id:show_id>", ShowView.as_view(), name="show"),
    *api_paths("shows/<id:show_id>/image", ShowImageView.as_view(), name="show-image"),
    *api_paths("shows/<id:show_id>/retire", RetirementView.as_view(), name="show-retire"),
]
