"""The naive peer: a Django view that looks the episode up and stores a row for every play."""

import os

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection, models
from django.http import HttpResponseRedirect
from django.urls import path
from django.utils import timezone

settings.configure(
    SECRET_KEY="only-for-the-bench",  # noqa: S106
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.common.CommonMiddleware",
    ],
    USE_TZ=True,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ["NAIVE_DATABASE"],
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
        }
    },
)
django.setup()


class Episode(models.Model):
    audio_url = models.URLField()

    class Meta:
        app_label = "naive"


class Download(models.Model):
    episode = models.ForeignKey(Episode, on_delete=models.CASCADE)
    address = models.CharField(max_length=64)
    user_agent = models.TextField()
    at = models.DateTimeField()

    class Meta:
        app_label = "naive"


def track(request, number):
    episode = Episode.objects.get(pk=number)
    Download.objects.create(
        episode=episode,
        address=request.META["REMOTE_ADDR"],
        user_agent=request.headers.get("User-Agent", ""),
        at=timezone.now(),
    )
    return HttpResponseRedirect(episode.audio_url)


urlpatterns = [path("api/track/<int:number>.mp3", track)]
if "naive_episode" not in connection.introspection.table_names():
    with connection.schema_editor() as editor:
        editor.create_model(Episode)
        editor.create_model(Download)
    Episode.objects.create(audio_url="https://cdn.example.com/1.mp3")
connection.close()
app = get_wsgi_application()
