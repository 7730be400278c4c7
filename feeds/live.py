"""Going live: the pre-flight checks, the trailer of a show without episodes, and the mark on the show."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from accounts.models import Account
from core.errors import Conflict, QuotaExceeded
from episodes.models import Episode
from feeds.checks import Check, run_checks
from feeds.preflight import look
from feeds.trailer import TrailerFailed, make_trailer
from keys.permissions import InsufficientScope
from keys.scopes import EPISODES_WRITE
from shows.models import Show
from shows.services import get_show, mark_live

log = structlog.get_logger(__name__)

#: Each call may take half a minute; the other threads of a web process stay for everybody else.
AT_ONCE = 4
_places = threading.BoundedSemaphore(AT_ONCE)
_EPISODES_CHECK = "has_episodes_or_will_generate_trailer"


class ShowIsPrivate(Conflict):
    """A private feed is for its owner; directories would show it to everybody."""

    code = "show_is_private"


class TooManyAtOnce(QuotaExceeded):
    """This process runs as many pre-flights as it may."""

    code = "too_many_at_once"


@dataclass(frozen=True, slots=True)
class GoLive:
    """How it went; `trailer` is the episode that was made for it, None when there was no need."""

    show: Show
    checks: list[Check]
    trailer: Episode | None = None

    @property
    def passed(self) -> bool:
        """Whether the show is live."""
        return all(check.passed for check in self.checks)


def go_live(*, account: Account, show_id: int, may_add_episodes: bool, now: datetime) -> GoLive:
    """Check the show, make its trailer if it has no episodes, and mark it as live.

    Takes up to 25 seconds. Raises `shows.ShowNotFound`, `ShowIsPrivate`, `TooManyAtOnce`,
    `feeds.trailer.TrailerNotReady`, and `InsufficientScope` when a trailer is needed and
    `may_add_episodes` is false.
    """
    show = get_show(account=account, show_id=show_id)
    if show.is_private:
        raise ShowIsPrivate("The show is private: its feed is for you alone and cannot go live.")
    with _one_place():
        gone = _go_live(show, may_add_episodes=may_add_episodes, now=now)
    log.info(
        "show_went_live" if gone.passed else "show_not_live",
        show_id=show_id,
        failed=[check.name for check in gone.checks if not check.passed],
        trailer=gone.trailer is not None,
    )
    return gone


def _go_live(show: Show, *, may_add_episodes: bool, now: datetime) -> GoLive:
    preflight = look(show, now=now)
    checks = run_checks(show, preflight.findings)
    gone = GoLive(show, checks)
    if gone.passed and preflight.trailer is not None:
        if not may_add_episodes:
            raise InsufficientScope(
                f'Insufficient scope. Required: "{EPISODES_WRITE}", since the show has no episodes '
                "and a trailer would be made."
            )
        try:
            trailer = make_trailer(
                account=show.account, show_id=show.pk, written=preflight.trailer, now=now
            )
        except TrailerFailed as error:
            return replace(gone, checks=_with_failed_trailer(checks, error.message))
        gone = replace(gone, trailer=trailer)
    if gone.passed:
        mark_live(account=show.account, show_id=show.pk, now=now)
    return gone


def _with_failed_trailer(checks: list[Check], reason: str) -> list[Check]:
    failed = Check(_EPISODES_CHECK, passed=False, detail=f"The trailer was not made: {reason}")
    return [failed if check.name == _EPISODES_CHECK else check for check in checks]


@contextmanager
def _one_place() -> Iterator[None]:
    if not _places.acquire(timeout=1):
        raise TooManyAtOnce(
            "Too many shows are going live at this moment. Send the request again in a few seconds.",
            details={"retry_after": 10},
        )
    try:
        yield
    finally:
        _places.release()
