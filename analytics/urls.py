"""Addresses of the numbers."""

from django.urls import path

from analytics.api import (
    DownloadsView,
    EpisodeAnalyticsView,
    FunnelView,
    ListenersView,
    MethodView,
    ShowAnalyticsView,
)
from analytics.op3_api import Op3View
from core.routes import api_paths

urlpatterns = [
    # These two look like aliases of each other and are not (contracts/podclaw.md section 1.1).
    path("api/shows/<id:show_id>/analytics", ShowAnalyticsView.as_view(), name="show-analytics"),
    path("api/v1/shows/<id:show_id>/analytics", Op3View.as_view(), name="show-op3"),
    *api_paths(
        "episodes/<id:episode_id>/analytics",
        EpisodeAnalyticsView.as_view(),
        name="episode-analytics",
    ),
    *api_paths(
        "episodes/<id:episode_id>/analytics/funnel", FunnelView.as_view(), name="episode-funnel"
    ),
    *api_paths("analytics/downloads", DownloadsView.as_view(), name="analytics-downloads"),
    *api_paths("analytics/listeners", ListenersView.as_view(), name="analytics-listeners"),
    *api_paths("analytics/method", MethodView.as_view(), name="analytics-method"),
]
