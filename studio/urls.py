"""Addresses of the Jellypod contract."""

from __future__ import annotations

from django.urls import path, re_path

from studio import api, generate_api, image_api, openapi, preview_api, script_api, views

urlpatterns = [
    path("v1/podcasts", api.PodcastListView.as_view(), name="studio-podcasts"),
    path(
        "v1/podcasts/<uuid:podcast_id>/image",
        image_api.PodcastImageView.as_view(),
        name="studio-podcast-image",
    ),
    path(
        "v1/episodes/<uuid:episode_id>/image",
        image_api.EpisodeImageView.as_view(),
        name="studio-episode-image",
    ),
    path(
        "v1/podcasts/generate",
        generate_api.GenerateSeriesView.as_view(),
        name="studio-podcast-generate",
    ),
    path(
        "v1/podcasts/<uuid:podcast_id>/episodes/generate",
        generate_api.GenerateEpisodeView.as_view(),
        name="studio-episode-generate",
    ),
    path("v1/podcasts/<uuid:podcast_id>", api.PodcastView.as_view(), name="studio-podcast"),
    path("v1/episodes", api.EpisodeListView.as_view(), name="studio-episodes"),
    path("v1/episodes/import", script_api.ScriptImportView.as_view(), name="studio-script-import"),
    path(
        "v1/episodes/<uuid:episode_id>/script",
        script_api.ScriptView.as_view(),
        name="studio-script",
    ),
    path(
        "v1/episodes/<uuid:episode_id>/script/estimate",
        script_api.ScriptEstimateView.as_view(),
        name="studio-script-estimate",
    ),
    path(
        "v1/episodes/<uuid:episode_id>/cancel",
        script_api.CancelView.as_view(),
        name="studio-cancel",
    ),
    path(
        "v1/episodes/<uuid:episode_id>/retry", script_api.RetryView.as_view(), name="studio-retry"
    ),
    path("v1/episodes/<uuid:episode_id>", api.EpisodeView.as_view(), name="studio-episode"),
    path(
        "v1/episodes/<uuid:episode_id>/publish",
        api.PublishView.as_view(),
        name="studio-episode-publish",
    ),
    path(
        "v1/episodes/<uuid:episode_id>/unpublish",
        api.UnpublishView.as_view(),
        name="studio-episode-unpublish",
    ),
    path(
        "v1/episodes/<uuid:episode_id>/timestamps",
        api.TimestampsView.as_view(),
        name="studio-episode-timestamps",
    ),
    path("v1/hosts", api.HostListView.as_view(), name="studio-hosts"),
    path("v1/hosts/<str:host_id>", api.HostView.as_view(), name="studio-host"),
    path("v1/voices", api.VoiceListView.as_view(), name="studio-voices"),
    path("v1/voices/<id:voice_id>", api.VoiceView.as_view(), name="studio-voice"),
    path(
        "v1/voices/<id:voice_id>/preview.mp3",
        preview_api.VoicePreviewView.as_view(),
        name="studio-voice-preview",
    ),
    path("v1/sources", api.SourceListView.as_view(), name="studio-sources"),
    path("v1/sources/<uuid:source_id>", api.SourceView.as_view(), name="studio-source"),
    path("v1/account", api.AccountView.as_view(), name="studio-account"),
    path("v1/openapi.json", openapi.StudioOpenApiView.as_view(), name="studio-openapi"),
    re_path(r"^v1(/.*)?\Z", views.UnknownView.as_view(), name="studio-unknown"),
]
