"""Changes to shows: each is one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import BigIntegerField, CharField, DateTimeField, F
from django.utils.text import slugify

from accounts.models import Account
from billing.services import lock_quota, require_room_for_show
from core.changes import announce_change
from core.errors import Conflict, Invalid, NotFound
from core.ids import feed_token, random_text
from core.prepared import Given, Prepared, PreparedUpdate
from core.queue import enqueue
from core.storage import release_stored
from shows.events import record_show_event
from shows.models import DeletedShow, Show
from shows.querysets import ShowQuerySet
from webhooks.event_types import EventType

#: The namespace of podcast:guid (Podcasting 2.0): UUIDv5 of the feed URL without its scheme.
PODCAST_NAMESPACE = uuid.UUID("ead4c236-bf58-58c6-a2c6-a6b28d128cb6")
#: Words that a show's public page would collide with.
RESERVED_SLUGS = frozenset({"admin", "api", "feeds", "media", "static", "v1", "mcp", "new"})
SLUG_LENGTH = 100
UPDATABLE = (
    "title",
    "description",
    "author",
    "image_url",
    "category",
    "language",
    "explicit",
    "website_url",
    "owner_email",
    "op3",
    "new_feed_url",
)
_LISTED_SHOW = Prepared(lambda: _listed(state=None))
_SHOW_BY_STATE = Prepared(lambda: _listed(state=Given("state", CharField())))
_RAISE_REVISION = PreparedUpdate(
    lambda: Show.objects.filter(pk=Given("show", BigIntegerField())),
    revision=F("revision") + 1,
    public_changed_at=Given("now", DateTimeField()),
)


class ShowNotFound(NotFound):
    """No such show in this account."""

    code = "show_not_found"


class SlugTaken(Conflict):
    """Another show of this instance has the slug."""

    code = "slug_taken"


class FeedMovesInCircle(Invalid):
    """`new_feed_url` is the address that the feed is to move away from."""

    code = "new_feed_url_is_own"


class NothingToUpdate(Invalid):
    """The request names no field that can be changed."""

    code = "nothing_to_update"


@dataclass(frozen=True, slots=True)
class ShowDraft:
    """The fields of a new show, already validated."""

    title: str
    slug: str | None = None
    description: str | None = None
    author: str | None = None
    owner_email: str | None = None
    language: str = "en"
    category: str | None = None
    image_url: str | None = None
    website_url: str | None = None
    explicit: bool = False
    op3: bool = True
    visibility: str = Show.Visibility.PUBLIC


def get_show(*, account: Account, show_id: int) -> Show:
    """The one door to a show; another account's is as absent as none. Raises `ShowNotFound`."""
    show = Show.objects.visible_to(account).with_episode_count().filter(pk=show_id).first()
    if show is None:
        raise ShowNotFound("Show not found")
    show.account = account
    return show


def get_listed_show(
    *, account: Account, show_id: int, episode_state: str | None
) -> tuple[Show, int]:
    """What addresses of the show are made of, and how many episodes it has, in a state or at all.

    One short query, for lists. Raises `ShowNotFound`.
    """
    if episode_state is None:
        show = _LISTED_SHOW.first(account=account.pk, show=show_id)
    else:
        show = _SHOW_BY_STATE.first(account=account.pk, show=show_id, state=episode_state)
    if show is None:
        raise ShowNotFound("Show not found")
    return show, show.episode_count  # type: ignore[attr-defined] # annotated


def create_show(*, account: Account, draft: ShowDraft, now: datetime) -> Show:
    """Create a show. Raises `SlugTaken`, `billing.ShowQuotaExceeded`."""
    with transaction.atomic(durable=True):
        show = add_show(account=account, draft=draft, now=now)
    return get_show(account=account, show_id=show.pk)


def add_show(*, account: Account, draft: ShowDraft, now: datetime) -> Show:
    """Create a show together with rows that hang on it; demands an open transaction.

    Raises `SlugTaken`, `billing.ShowQuotaExceeded`.
    """
    require_room_for_show(
        account=account,
        shows_used=Show.objects.filter(account=account, is_narration_default=False).count(),
    )
    return _insert(account=account, draft=draft, now=now)


def ensure_narration_show(*, account: Account, now: datetime) -> Show:
    """The account's private show for narrations, made on first use; demands an open transaction.

    The quota lock makes two first narrations of one account agree on one show.
    """
    lock_quota(account)
    # Locked: a show that is being deleted at this moment must not get one more episode.
    found = Show.objects.select_for_update().filter(account=account, is_narration_default=True)
    show = found.first()
    if show is not None:
        return show
    draft = ShowDraft(
        title="My narrations",
        slug=f"narrations-{random_text(10).lower()}",
        description="Articles and texts, read aloud.",
        author=account.name or "Podwright",
        category="Technology",
        visibility=Show.Visibility.PRIVATE,
    )
    return _insert(account=account, draft=draft, now=now, is_narration_default=True)


def update_show(
    *, account: Account, show_id: int, changes: Mapping[str, object], now: datetime
) -> Show:
    """Change the given fields; names outside UPDATABLE are ignored. Raises `NothingToUpdate`."""
    wanted = {name: value for name, value in changes.items() if name in UPDATABLE}
    if not wanted:
        raise NothingToUpdate(f"Nothing to update: send one or more of {', '.join(UPDATABLE)}.")
    with transaction.atomic(durable=True):
        change_show(account=account, show_id=show_id, changes=wanted, now=now)
    return get_show(account=account, show_id=show_id)


def change_show(
    *, account: Account, show_id: int, changes: Mapping[str, object], now: datetime
) -> None:
    """Change columns of a show, `visibility` among them, together with rows that hang on it.

    Demands an open transaction. Raises `ShowNotFound`.
    """
    show = _locked(account=account, show_id=show_id)
    for name, value in changes.items():
        if name == "image_url":
            _replace_image_url(show, value)
        else:
            setattr(show, name, value)
    if show.new_feed_url in own_feed_urls(show):
        raise FeedMovesInCircle(
            "new_feed_url: is an address of this feed itself; give the one at the new host.",
            field="new_feed_url",
        )
    _save_public_change(show, now=now)


def use_cover(
    *, account: Account, show_id: int, storage_key: str, size: int, now: datetime
) -> Show:
    """Let a stored picture of `size` bytes be the show's only cover. Raises `ShowNotFound`."""
    with transaction.atomic(durable=True):
        show = _locked(account=account, show_id=show_id)
        _replace_image_url(show, None)
        show.cover_key, show.cover_bytes = storage_key, size
        _save_public_change(show, now=now)
    return get_show(account=account, show_id=show_id)


def mark_live(*, account: Account, show_id: int, now: datetime) -> None:
    """Remember when the show first passed all checks of going live. Raises `ShowNotFound`."""
    with transaction.atomic(durable=True):
        show = _locked(account=account, show_id=show_id)
        if show.live_at is None:
            show.live_at = now
            show.save(update_fields=["live_at"])


def retire_show(*, account: Account, show_id: int, retired: bool, now: datetime) -> Show:
    """End the show's feed (410, apps unsubscribe), or take that back; twice is as good as once.

    Episodes and their audio stay as they are. Raises `ShowNotFound`.
    """
    show = get_show(account=account, show_id=show_id)
    if (show.retired_at is not None) != retired:
        retired_at = now if retired else None
        with transaction.atomic(durable=True):
            change_show(
                account=account, show_id=show_id, changes={"retired_at": retired_at}, now=now
            )
        show = get_show(account=account, show_id=show_id)
    return show


def forget_deleted_shows(*, before: datetime) -> int:
    """Delete the word of shows that are gone since before `before`; returns how many."""
    return DeletedShow.objects.filter(deleted_at__lt=before).delete()[0]


def delete_show(*, account: Account, show_id: int, now: datetime) -> None:
    """Delete the show with its episodes; their stored files are swept. Raises `ShowNotFound`.

    One event tells of it: none for each episode.
    """
    with transaction.atomic(durable=True):
        # The lock first: an episode that is being added would otherwise escape the deletion.
        show = _locked(account=account, show_id=show_id)
        # Then its episodes: workers lock them before the rows that hang on them.
        list(show.episodes.select_for_update().order_by("pk").values_list("pk", flat=True))
        record_show_event(show, EventType.SHOW_DELETED, now=now)
        _release_cover(show)
        documents = show.episodes.filter(documents__isnull=False)
        release_stored(documents.values_list("documents__storage_key", flat=True))
        covers = show.episodes.values_list("cover_key", flat=True)
        release_stored(key for key in covers if key)
        show.delete()
        DeletedShow.objects.create(show_id=show_id, deleted_at=now)
        announce_change(show_id)
        enqueue("episodes.sweep_files")


def note_public_change(*, show_id: int, now: datetime) -> None:
    """Raise the revision that the feed follows; demands the transaction of the change itself."""
    announce_change(show_id)
    _RAISE_REVISION.run(show=show_id, now=now)


def feed_url(show: Show) -> str:
    """The absolute address of the show's feed: by id when public, by token when private."""
    if show.is_private:
        return f"{settings.PUBLIC_URL}/feeds/{show.feed_token}.xml"
    return f"{settings.PUBLIC_URL}/api/shows/{show.pk}/feed"


def own_feed_urls(show: Show) -> tuple[str, ...]:
    """Every address at which this instance serves the show's feed."""
    base = settings.PUBLIC_URL
    return (
        f"{base}/api/shows/{show.pk}/feed",
        f"{base}/api/v1/shows/{show.pk}/feed",
        f"{base}/feeds/{show.feed_token}.xml",
    )


def page_url(show: Show) -> str:
    """The absolute address of the show's public page; a private show has none but the home page."""
    if show.is_private:
        return f"{settings.PUBLIC_URL}/"
    return f"{settings.PUBLIC_URL}/shows/{show.slug}"


def podcast_guid(url: str) -> uuid.UUID:
    """podcast:guid of the feed at `url` (contracts/rss.md section 1.2)."""
    return uuid.uuid5(PODCAST_NAMESPACE, url.split("://", 1)[-1].rstrip("/"))


def _listed(*, state: Given | None) -> ShowQuerySet:
    found = Show.objects.filter(
        account_id=Given("account", BigIntegerField()), pk=Given("show", BigIntegerField())
    )
    return found.only("slug", "visibility").with_episode_count(state)


def _locked(*, account: Account, show_id: int) -> Show:
    show = Show.objects.visible_to(account).select_for_update().filter(pk=show_id).first()
    if show is None:
        raise ShowNotFound("Show not found")
    show.account = account
    return show


def _replace_image_url(show: Show, image_url: object) -> None:
    """Point the show at another picture, or at none; our own copy of the last one is given up."""
    if show.cover_key and image_url == show.cover_url:
        return  # the client sends back the address that we told it
    _release_cover(show)
    show.image_url = image_url  # type: ignore[assignment] # validated by the serializer
    show.cover_key = show.cover_bytes = None


def _release_cover(show: Show) -> None:
    if show.cover_key:
        release_stored([show.cover_key])
        enqueue("episodes.sweep_files")


def _save_public_change(show: Show, *, now: datetime) -> None:
    show.updated_at = show.public_changed_at = now
    show.revision += 1
    show.save()
    announce_change(show.pk)
    record_show_event(show, EventType.SHOW_UPDATED, now=now)


def _insert(*, account: Account, draft: ShowDraft, now: datetime, **extra: object) -> Show:
    show = Show(
        account=account,
        title=draft.title,
        description=draft.description,
        author=draft.author,
        owner_email=draft.owner_email,
        language=draft.language,
        category=draft.category,
        image_url=draft.image_url,
        op3=draft.op3,
        website_url=draft.website_url,
        explicit=draft.explicit,
        visibility=draft.visibility,
        feed_token=feed_token(),
        created_at=now,
        updated_at=now,
        public_changed_at=now,
        **extra,
    )
    _save_with_slug(show, wanted=draft.slug)
    # The guid is made from the address, and the address holds the id that only the insert gives.
    show.podcast_guid = podcast_guid(feed_url(show))
    show.save(update_fields=["podcast_guid"])
    record_show_event(show, EventType.SHOW_CREATED, now=now)
    return show


def _save_with_slug(show: Show, *, wanted: str | None) -> None:
    """Insert under the wanted slug or raise `SlugTaken`; a generated one gets a suffix instead."""
    base = (wanted or slugify(show.title))[:SLUG_LENGTH].strip("-_") or "show"
    if base in RESERVED_SLUGS:
        if wanted is not None:
            raise SlugTaken(f'slug: "{base}" is reserved; choose another.', field="slug")
        base = f"{base}-show"
    candidate = base
    while True:
        show.slug = candidate
        try:
            # A savepoint: the insert that meets a taken slug must not end the whole transaction.
            with transaction.atomic():
                show.save(force_insert=True)
        except IntegrityError:
            if not Show.objects.filter(slug=candidate).exists():
                raise
            if wanted is not None:
                raise SlugTaken(
                    f'slug: "{candidate}" is taken; choose another or leave it out.', field="slug"
                ) from None
            suffix = random_text(6).lower()
            candidate = f"{base[: SLUG_LENGTH - 7]}-{suffix}"
        else:
            return
