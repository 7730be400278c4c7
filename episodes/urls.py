"""Addresses of the episodes app."""

from core.routes import api_paths
from episodes.api import (
    EpisodeListView,
    EpisodePublishView,
    EpisodeView,
    KeepCopyView,
    ShowEpisodeListView,
    UploadView,
)

urlpatterns = [
    *api_paths("upload", UploadView.as_view(), name="upload"),
    *api_paths("episodes", EpisodeListView.as_view(), name="episodes"),
    *api_paths("episodes/publish", EpisodePublishView.as_view(), name="episode-publish"),
    *api_paths("episodes/<id:episode_id>", EpisodeView.as_view(), name="episode"),
    *api_paths("episodes/<id:episode_id>/keep-copy", KeepCopyView.as_view(), name="episode-copy"),
    *api_paths("shows/<id:show_id>/episodes", ShowEpisodeListView.as_view(), name="show-episodes"),
    *api_paths(
        "shows/<id:show_id>/episodes/<id:episode_id>", EpisodeView.as_view(), name="show-episode"
    ),
    *api_paths(
        "shows/<id:show_id>/episodes/<id:episode_id>/keep-copy",
        KeepCopyView.as_view(),
        name="show-episode-copy",
    ),
]
