"""The public pages of a show and of an episode, for people without a podcast app."""

from __future__ import annotations

from csp.decorators import csp_update
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from core.storage import media_url
from episodes.models import Episode, EpisodeDocument
from shows.models import Show
from shows.services import feed_url

EPISODES_PER_PAGE = 50
# Covers and audio may lie on other hosts: the track address redirects there.
_OUTSIDE_MEDIA = {"img-src": ["https:", "http:"], "media-src": ["https:", "http:"]}


@csp_update(_OUTSIDE_MEDIA)  # type: ignore[arg-type]  # typed for views without arguments
@require_safe
def show_page(request: HttpRequest, slug: str) -> HttpResponse:
    """A public show with its published episodes, newest first; private shows are 404."""
    show = get_object_or_404(Show.objects.public(), slug=slug)
    episodes = Episode.objects.published().filter(show=show).feed_order()
    page = Paginator(episodes, EPISODES_PER_PAGE).get_page(request.GET.get("page"))
    return render(
        request, "public/show.html", {"show": show, "page": page, "feed_url": feed_url(show)}
    )


@csp_update(_OUTSIDE_MEDIA)  # type: ignore[arg-type]  # typed for views without arguments
@require_safe
def episode_page(request: HttpRequest, slug: str, public_id: str) -> HttpResponse:
    """A published episode of a public show: player, notes, chapters, transcripts."""
    episode = get_object_or_404(
        Episode.objects.published().select_related("show", "asset").prefetch_related("documents"),
        public_id=public_id,
        show__in=Show.objects.public().filter(slug=slug),
    )
    return render(
        request,
        "public/episode.html",
        {
            "episode": episode,
            "show": episode.show,
            "feed_url": feed_url(episode.show),
            "transcript_url": _transcript_url(episode),
        },
    )


def _transcript_url(episode: Episode) -> str | None:
    """The address of the transcript that a browser shows, None without one."""
    for document in episode.documents.all():
        if document.kind == EpisodeDocument.Kind.TRANSCRIPT_HTML:
            return media_url(document.storage_key)
    return None
