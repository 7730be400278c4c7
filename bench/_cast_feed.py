"""django-cast's making of a podcast feed: prints the median of its processor time, in milliseconds.

`feed.py` runs it with the Python of an environment that has django-cast, which is none of ours:
`python bench/_cast_feed.py ROUNDS`, with a JSON list of show notes, one an episode, on its input.
"""

from __future__ import annotations

import json
import logging
import secrets
import statistics
import sys
import tempfile
import time
from pathlib import Path

import django
from cast import CAST_APPS, CAST_MIDDLEWARE
from django.conf import settings

_folder = tempfile.TemporaryDirectory()
# Those of its quick start, without debugging.
settings.configure(
    SECRET_KEY=secrets.token_urlsafe(),
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=[
        *("django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes"),
        *("django.contrib.sessions", "django.contrib.messages", "django.contrib.staticfiles"),
        "django.contrib.sites",
        *CAST_APPS,
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
        *CAST_MIDDLEWARE,
    ],
    ROOT_URLCONF=__name__,
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": Path(_folder.name) / "cast.sqlite3",
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
    SITE_ID=1,
    STATIC_URL="static/",
    STATIC_ROOT=Path(_folder.name) / "static",
    DJANGO_VITE={"cast": {"dev_mode": True}},
    MEDIA_URL="media/",
    MEDIA_ROOT=Path(_folder.name) / "media",
    WAGTAIL_SITE_NAME="bench",
    COMMENTS_APP="cast.comments",
    CRISPY_TEMPLATE_PACK="bootstrap4",
    CRISPY_ALLOWED_TEMPLATE_PACKS="bootstrap4",
)
django.setup()
logging.disable(logging.CRITICAL)

from cast.devdata import create_episode, create_mp3_file, create_podcast, create_user  # noqa: E402
from cast.models import Audio  # noqa: E402
from django.core.cache import cache  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import include, path  # noqa: E402
from wagtail import urls as wagtail_urls  # noqa: E402

urlpatterns = [
    path("", include("cast.urls", namespace="cast")),
    path("", include(wagtail_urls)),
]


def fill(notes: list[str]) -> str:
    """The address of the feed of one podcast with so many episodes."""
    podcast = create_podcast()
    audio = Audio(user=create_user(), mp3=create_mp3_file(), title="Sound")
    audio.save(duration=False, cache_file_sizes=False)
    for number, note in enumerate(notes):
        paragraph = {"type": "paragraph", "value": note}
        body = json.dumps([{"type": "overview", "value": [paragraph]}])
        create_episode(blog=podcast, num=number, body=body, podcast_audio=audio)
    return f"/{podcast.slug}/feed/podcast/mp3/rss.xml"


def main() -> None:
    rounds, notes = int(sys.argv[1]), json.load(sys.stdin)
    call_command("migrate", verbosity=0)
    address = fill(notes)
    client, used = Client(), []
    for _ in range(rounds):
        cache.clear()
        before = time.process_time()
        answer = client.get(address, headers={"host": "localhost"})
        used.append((time.process_time() - before) * 1_000)
        found = answer.content.count(b"<item>")
        assert (answer.status_code, found) == (200, len(notes)), (answer.status_code, found)
    print(statistics.median(used))


if __name__ == "__main__":
    main()
