"""Shows in the PodClaw contract: E2 to E6."""

from __future__ import annotations

from django.utils import timezone
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ContractView
from keys.caller import account_of
from keys.scopes import SHOWS_READ, SHOWS_WRITE
from shows.descriptions import SHOW_LIST_OPERATIONS, SHOW_OPERATIONS
from shows.models import Show
from shows.serializers import NewShow, ShowChanges, show_object
from shows.services import (
    ShowDraft,
    create_show,
    delete_show,
    feed_url,
    get_show,
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
