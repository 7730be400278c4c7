"""The home page."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from shows.models import Show
from studio.models import StudioPodcast


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What this is, how to begin, and the public shows that have something to hear.

    An unlisted podcast of the Studio is public, but nothing links it.
    """
    shows = Show.objects.public().heard().newest_first()
    listed = shows.exclude(studio__visibility=StudioPodcast.Visibility.UNLISTED)[:24]
    return render(request, "dashboard/home.html", {"base": settings.PUBLIC_URL, "shows": listed})
