"""Shows in the PodClaw contract: E2 to E6."""

from __future__ import annotations

from typing import IO, cast

from django.utils import timezone
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ContractView
from core.forms import FilePart, FormParser, ReceivedFile
from core.raw_files import RawFileParser
from keys.caller import account_of
from keys.scopes import SHOWS_READ, SHOWS_WRITE
from shows.artwork import MAX_PICTURE_BYTES, remove_cover, set_cover
from shows.descriptions import (
    RETIREMENT_OPERATIONS,
    SHOW_IMAGE_OPERATIONS,
    SHOW_LIST_OPERATIONS,
    SHOW_OPERATIONS,
)
from shows.models import Show
from shows.serializers import NewShow, ShowChanges, show_object
from shows.services import (
    ShowDraft,
    create_show,
    delete_show,
    feed_url,
    get_show,
    retire_show,
    update_show,
)


class ShowListView(ContractView):
    """E2 and E3."""

    required_scopes = {"GET": SHOWS_READ, "POST": SHOWS_WRITE}
    operations = SHOW_LIST_OPERATIONS

    def get(self, request: Request) -> Response:
        """All shows of the account, newest first."""
        shows = Show.objects.visible_to(account_of(request)).with_episode_count().newest_first()
        found = [show_object(show) for show in shows]
        return Response({"success": True, "shows": found, "count": len(found)})

    def post(self, request: Request) -> Response:
        """201 with the new show; `id` and `rss_url` also at the top, where some clients look."""
        draft = ShowDraft(**self.parsed_body(NewShow))
        show = create_show(account=account_of(request), draft=draft, now=timezone.now())
        address = feed_url(show)
        return Response(
            {
                "success": True,
                "show": show_object(show),
                "id": show.pk,
                "rss_url": address,
                "feed_url": address,
            },
            status=status.HTTP_201_CREATED,
        )


class ShowView(ContractView):
    """E4, E5 and E6."""

    required_scopes = {"GET": SHOWS_READ, "PATCH": SHOWS_WRITE, "DELETE": SHOWS_WRITE}
    operations = SHOW_OPERATIONS

    def get(self, request: Request, show_id: int) -> Response:
        """One show."""
        show = get_show(account=account_of(request), show_id=show_id)
        return Response({"success": True, "show": show_object(show)})

    def patch(self, request: Request, show_id: int) -> Response:
        """Change what the body names."""
        changes = self.parsed_body(ShowChanges, partial=True)
        show = update_show(
            account=account_of(request), show_id=show_id, changes=changes, now=timezone.now()
        )
        return Response({"success": True, "show": show_object(show)})

    def delete(self, request: Request, show_id: int) -> Response:
        """204; the episodes go too."""
        delete_show(account=account_of(request), show_id=show_id, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class ShowImageView(ContractView):
    """The cover itself, as the body or as the part `image` of a form."""

    operations = SHOW_IMAGE_OPERATIONS
    http_method_names = ["put", "delete"]
    required_scopes = {"PUT": SHOWS_WRITE, "DELETE": SHOWS_WRITE}
    parser_classes = [FormParser, RawFileParser]
    file_part = FilePart(name="image", max_bytes=MAX_PICTURE_BYTES)

    def put(self, request: Request, show_id: int) -> Response:
        """The show, whose `image_url` is now the picture's address here."""
        # Before the body is read: what is not there takes no picture.
        get_show(account=account_of(request), show_id=show_id)
        crop = _wants_crop(request)
        file = cast("ReceivedFile | None", request.FILES.get(self.file_part.name))
        if file is None or not file.size:
            reason = "send the picture as the body (curl -T cover.png) or as this part of a form"
            raise ValidationError({"image": [reason]})
        with file:
            show = set_cover(
                account=account_of(request),
                show_id=show_id,
                picture=cast("IO[bytes]", file.file),
                crop=crop,
                now=timezone.now(),
            )
        return Response({"success": True, "show": show_object(show)})

    def delete(self, request: Request, show_id: int) -> Response:
        """204; the show has no cover then."""
        remove_cover(account=account_of(request), show_id=show_id, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


def _wants_crop(request: Request) -> bool:
    fit = request.query_params.get("fit", "").strip().lower()
    if fit not in {"", "crop"}:
        raise ValidationError({"fit": ['must be "crop" or be left out']})
    return fit == "crop"


class RetirementView(ContractView):
    """Beyond the contract: the owner ends a show's feed, and may think better of it."""

    required_scopes = {"POST": SHOWS_WRITE, "DELETE": SHOWS_WRITE}
    operations = RETIREMENT_OPERATIONS

    def post(self, request: Request, show_id: int) -> Response:
        """200 with the show; its feed is 410 from now on."""
        return self._answer(request, show_id, retired=True)

    def delete(self, request: Request, show_id: int) -> Response:
        """200 with the show; its feed is there again."""
        return self._answer(request, show_id, retired=False)

    def _answer(self, request: Request, show_id: int, *, retired: bool) -> Response:
        show = retire_show(
            account=account_of(request), show_id=show_id, retired=retired, now=timezone.now()
        )
        return Response({"success": True, "show": show_object(show)})
