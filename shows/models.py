"""Show: what a feed describes."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from accounts.models import Account
from core.storage import media_url
from core.text import has_text
from shows.querysets import ShowQuerySet


class Show(models.Model):
    """A podcast. `revision` grows with every change that the public can see; feeds follow it."""

    class Visibility(models.TextChoices):
        PUBLIC = "public", "Public: feed by id"
        PRIVATE = "private", "Private: feed by its token only"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="shows")
    slug = models.SlugField(max_length=100, unique=True)
    title = models.CharField(max_length=1_000)
    description = models.TextField(null=True, blank=True, max_length=20_000)  # noqa: DJ001
    author = models.CharField(null=True, blank=True, max_length=1_000)  # noqa: DJ001
    owner_email = models.EmailField(null=True, blank=True, max_length=254)  # noqa: DJ001
    language = models.CharField(max_length=35, default="en")
    category = models.CharField(null=True, blank=True, max_length=255)  # noqa: DJ001
    image_url = models.URLField(null=True, blank=True, max_length=2_000)  # noqa: DJ001
    cover_key = models.CharField(
        null=True, blank=True, unique=True, max_length=500, help_text="The cover in our storage."
    )
    cover_bytes = models.PositiveIntegerField(null=True, blank=True)
    website_url = models.URLField(null=True, blank=True, max_length=2_000)  # noqa: DJ001
    explicit = models.BooleanField(default=False)
    visibility = models.CharField(
        max_length=8, choices=Visibility.choices, default=Visibility.PUBLIC
    )
    feed_token = models.CharField(max_length=64, unique=True)
    is_narration_default = models.BooleanField(
        default=False,
        help_text="Narrated episodes of the account go here unless it says otherwise.",
    )
    op3 = models.BooleanField(
        default=True,
        db_default=True,
        help_text="Lets OP3 count, where the instance has a prefix. Apps download again on a change.",
    )
    podcast_guid = models.UUIDField(unique=True, default=uuid.uuid4)
    retired_at = models.DateTimeField(
        null=True, blank=True, help_text="Since then the feed is 410: apps unsubscribe."
    )
    new_feed_url = models.URLField(  # noqa: DJ001
        null=True, blank=True, max_length=2_000, help_text="Where the feed moved for good: 301."
    )
    revision = models.PositiveBigIntegerField(default=1)
    live_at = models.DateTimeField(
        null=True, blank=True, help_text="When it first passed all checks of going live."
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    public_changed_at = models.DateTimeField(
        db_index=True, help_text="Last change that the feed shows."
    )

    objects = ShowQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=has_text("title"), name="show_title_not_empty"),
            models.CheckConstraint(
                condition=Q(visibility__in=["public", "private"]), name="show_visibility_known"
            ),
            models.CheckConstraint(
                condition=Q(cover_key__isnull=True, cover_bytes__isnull=True)
                | Q(cover_key__isnull=False, cover_bytes__isnull=False, cover_bytes__gt=0),
                name="show_cover_has_size",
            ),
            models.CheckConstraint(
                condition=Q(cover_key__isnull=True) | Q(image_url__isnull=True),
                name="show_one_cover",
            ),
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(is_narration_default=True),
                name="show_one_narration_default",
            ),
            models.CheckConstraint(
                condition=Q(new_feed_url__isnull=True) | has_text("new_feed_url"),
                name="show_new_feed_url_not_empty",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_private(self) -> bool:
        """True when only the token address serves the feed."""
        return self.visibility == self.Visibility.PRIVATE

    @property
    def cover_url(self) -> str | None:
        """The cover's absolute address: in our storage, else the one that was given, else None."""
        return media_url(self.cover_key) if self.cover_key else self.image_url


class FeedListener(models.Model):
    """One listener of a private feed, with a token that opens it beside the show's own."""

    show = models.ForeignKey(Show, on_delete=models.CASCADE, related_name="listeners")
    name = models.CharField(max_length=255)
    token = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=has_text("name"), name="feedlistener_name_not_empty"),
        ]

    def __str__(self) -> str:
        return self.name


class DeletedShow(models.Model):
    """Tells machines that had no other word of it that a show is gone; kept for a day."""

    show_id = models.BigIntegerField(unique=True)
    deleted_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return str(self.show_id)
