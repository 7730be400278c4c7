"""Covers in the Jellypod contract: calls 6 and 11, the raw bytes of a picture as the body."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast
from uuid import UUID

from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from core.forms import FilePart, ReceivedFile
from core.raw_files import RawFileParser
from episodes.covers import set_episode_cover
from keys.caller import account_of
from keys.scopes import EPISODES_WRITE, SHOWS_WRITE
from shows.artwork import set_cover
from studio.descriptions import EPISODE_IMAGE_OPERATIONS, PODCAST_IMAGE_OPERATIONS
from studio.episodes import get_episode
from studio.podcasts import get_podcast
from studio.serializers import podcast_object
from studio.views import JellypodView

MAX_IMAGE_BYTES = 10 << 20


class ImageView(JellypodView):
    """Takes a picture of any type that it says it is: its content decides."""

    http_method_names = ["put"]
    parser_classes = [RawFileParser]
    file_part = FilePart(name="image", max_bytes=MAX_IMAGE_BYTES)

    @contextmanager
    def sent_picture(self, request: Request) -> Iterator[IO[bytes]]:
        """The body, which is closed at the end; raises `ValidationError` when it is empty."""
        file = cast("ReceivedFile | None", request.FILES.get(self.file_part.name))
        if file is None or not file.size:
            raise ValidationError({"image": ["send the picture as the body: curl -T cover.png"]})
        with file:
            yield cast("IO[bytes]", file.file)


class PodcastImageView(ImageView):
    """Call 6."""

    required_scopes = {"PUT": SHOWS_WRITE}
    operations = PODCAST_IMAGE_OPERATIONS

    def put(self, request: Request, podcast_id: UUID) -> Response:
        """The whole podcast; a picture that is not square is cut to its middle."""
        account = account_of(request)
        podcast = get_podcast(account=account, podcast_id=podcast_id)
        with self.sent_picture(request) as picture:
            set_cover(
                account=account,
                show_id=podcast.show_id,
                picture=picture,
                crop=True,
                now=timezone.now(),
            )
        shown = podcast_object(get_podcast(account=account, podcast_id=podcast_id))
        return Response({"data": shown})


class EpisodeImageView(ImageView):
    """Call 11."""

    required_scopes = {"PUT": EPISODES_WRITE}
    operations = EPISODE_IMAGE_OPERATIONS

    def put(self, request: Request, episode_id: UUID) -> Response:
        """The episode's id and its new address alone, as the contract has it."""
        account = account_of(request)
        episode = get_episode(account=account, episode_id=episode_id)
        with self.sent_picture(request) as picture:
            changed = set_episode_cover(
                account=account,
                episode_id=episode.pk,
                picture=picture,
                crop=True,
                now=timezone.now(),
            )
        return Response({"data": {"id": str(changed.uuid), "image_url": changed.cover_url}})
