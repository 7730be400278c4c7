"""The API's floor: bare views over the same models, rows and SQLite settings, for anybody who asks."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"

from django.conf import settings

settings.ROOT_URLCONF = __name__
settings.MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
]

from django.core.wsgi import get_wsgi_application  # noqa: E402

app = get_wsgi_application()

from django.http import JsonResponse  # noqa: E402 - Django is set up first
from django.urls import path  # noqa: E402
from django.utils import timezone  # noqa: E402
from rest_framework import generics, serializers  # noqa: E402

from episodes.models import Episode  # noqa: E402

FIELDS = (
    *("id", "show_id", "guid", "title", "description", "state", "publish_at", "published_at"),
    *("audio_url", "audio_type", "audio_length", "duration_seconds", "season", "episode_number"),
    *("episode_type", "explicit", "created_at", "updated_at"),
)


def listed(request, show_id):
    found = Episode.objects.filter(show_id=show_id).order_by("-published_at", "-pk")
    rows = list(found.values("show__slug", *FIELDS)[: int(request.GET["limit"])])
    return JsonResponse({"success": True, "episodes": rows, "count": len(rows)})


class EpisodeSerializer(serializers.ModelSerializer):
    class Meta:
        model = Episode
        fields = FIELDS
        read_only_fields = (
            *("guid", "state", "publish_at", "published_at", "created_at", "updated_at"),
        )


class Create(generics.CreateAPIView):
    authentication_classes = ()
    permission_classes = ()
    queryset = Episode.objects.all()
    serializer_class = EpisodeSerializer

    def perform_create(self, serializer):
        now = timezone.now()
        serializer.save(
            show_id=self.kwargs["show_id"], state="published", published_at=now, created_at=now,
            updated_at=now,
        )  # fmt: skip


urlpatterns = [
    path("list/<int:show_id>", listed),
    path("create/<int:show_id>", Create.as_view()),
]
