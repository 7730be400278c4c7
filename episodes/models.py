"""Episode, its audio assets and their copying, its documents (transcripts, chapters)."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q

from accounts.models import Account
from core.ids import episode_public_id
from core.leases import Leased, lease_while
from core.storage import media_url
from core.text import has_text
from episodes.querysets import AudioCopyQuerySet, EpisodeQuerySet
from episodes.states import ProductionState, Publication
from shows.models import Show


class AudioAsset(models.Model):
    """Audio in our storage, measured from the file itself when it was stored; never changed after."""

    class Origin(models.TextChoices):
        PRODUCED = "produced", "Produced: swept with its episode"
        UPLOADED = "uploaded", "Uploaded: its address is permanent"
        COPIED = "copied", "Copied from outside: swept with its episode"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="audio_assets")
    origin = models.CharField(max_length=8, choices=Origin.choices, default=Origin.PRODUCED)
    storage_key = models.CharField(max_length=500, unique=True)
    filename = models.CharField(max_length=255, blank=True)
    bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    mime_type = models.CharField(max_length=100)
    duration_seconds = models.FloatField(null=True, blank=True)
    header_bytes = models.PositiveIntegerField(
        null=True, blank=True, help_text="Tags and cover before the sound (IAB: not content)."
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(bytes__gt=0), name="audioasset_bytes_positive"),
            models.CheckConstraint(
                condition=Q(duration_seconds__isnull=True) | Q(duration_seconds__gt=0),
                name="audioasset_duration_positive",
            ),
            models.CheckConstraint(
                condition=Q(origin__in=["produced", "uploaded", "copied"]),
                name="audioasset_origin_known",
            ),
            models.UniqueConstraint(
                fields=["account", "sha256"],
                condition=Q(origin="uploaded"),
                name="audioasset_uploaded_once",
            ),
        ]

    def __str__(self) -> str:
        return self.storage_key


class Episode(models.Model):
    """One episode. Publication (`state`) and production are separate; contracts show a mix of both."""

    class Type(models.TextChoices):
        FULL = "full", "Full"
        TRAILER = "trailer", "Trailer"
        BONUS = "bonus", "Bonus"

    show = models.ForeignKey(Show, on_delete=models.CASCADE, related_name="episodes")
    guid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    public_id = models.CharField(max_length=32, unique=True, default=episode_public_id)
    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    title = models.CharField(max_length=1_000)
    author = models.CharField(max_length=1_000, blank=True)
    description = models.TextField(null=True, blank=True, max_length=100_000)  # noqa: DJ001
    state = models.CharField(max_length=9, choices=Publication.choices)
    production_state = models.CharField(
        max_length=10, choices=ProductionState.choices, default=ProductionState.NONE
    )
    error_message = models.TextField(blank=True)
    audio_url = models.URLField(null=True, blank=True, max_length=2_000)  # noqa: DJ001
    audio_type = models.CharField(max_length=100, default="audio/mpeg")
    audio_length = models.PositiveBigIntegerField(null=True, blank=True)
    duration_seconds = models.PositiveIntegerField(null=True, blank=True)
    asset = models.ForeignKey(
        AudioAsset, on_delete=models.PROTECT, null=True, blank=True, related_name="episodes"
    )
    cover_key = models.CharField(
        null=True,
        blank=True,
        unique=True,
        max_length=500,
        help_text="Its own cover in our storage.",
    )
    cover_bytes = models.PositiveIntegerField(null=True, blank=True)
    chapters = models.JSONField(
        default=list, blank=True, help_text='[{"start": seconds, "title": text}, ...]'
    )
    season = models.PositiveIntegerField(null=True, blank=True)
    episode_number = models.PositiveIntegerField(null=True, blank=True)
    episode_type = models.CharField(max_length=7, choices=Type.choices, default=Type.FULL)
    explicit = models.BooleanField(default=False)
    is_ai_generated = models.BooleanField(default=False)
    publish_at = models.DateTimeField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = EpisodeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=has_text("title"), name="episode_title_not_empty"),
            models.CheckConstraint(
                condition=Q(cover_key__isnull=True) | has_text("cover_key"),
                name="episode_cover_null_not_blank",
            ),
            models.CheckConstraint(
                condition=Q(cover_key__isnull=True, cover_bytes__isnull=True)
                | Q(cover_key__isnull=False, cover_bytes__isnull=False, cover_bytes__gt=0),
                name="episode_cover_has_size",
            ),
            models.CheckConstraint(
                condition=Q(state__in=Publication.values), name="episode_state_known"
            ),
            models.CheckConstraint(
                condition=Q(production_state__in=ProductionState.values),
                name="episode_production_state_known",
            ),
            models.CheckConstraint(
                condition=Q(episode_type__in=["full", "trailer", "bonus"]),
                name="episode_type_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="scheduled") | Q(publish_at__isnull=False),
                name="episode_scheduled_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state="published")
                | (
                    Q(published_at__isnull=False)
                    & (Q(asset__isnull=False) | Q(audio_url__isnull=False))
                ),
                name="episode_published_has_date_and_audio",
            ),
            models.CheckConstraint(
                condition=~Q(production_state="complete") | Q(asset__isnull=False),
                name="episode_complete_has_audio",
            ),
        ]
        indexes = [
            # Lists of one show, newest first; counts by state.
            models.Index(fields=["show", "-created_at", "-id"], name="episode_list"),
            # The feed of one show.
            models.Index(
                fields=["show", "-published_at", "-id"],
                condition=Q(state="published"),
                name="episode_feed",
            ),
            # The schedule's sweep.
            models.Index(fields=["publish_at"], condition=Q(state="scheduled"), name="episode_due"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def cover_url(self) -> str | None:
        """The absolute address of its own cover, None while it has the show's."""
        return media_url(self.cover_key) if self.cover_key else None

    @property
    def minutes(self) -> int | None:
        """The duration in whole minutes, at least one; None when it is unknown."""
        return max(1, round(self.duration_seconds / 60)) if self.duration_seconds else None


class EpisodeDocument(models.Model):
    """A file that belongs to an episode and that its feed links: a transcript or chapters."""

    class Kind(models.TextChoices):
        TRANSCRIPT_VTT = "transcript_vtt", "Transcript (WebVTT)"
        TRANSCRIPT_SRT = "transcript_srt", "Transcript (SubRip)"
        TRANSCRIPT_JSON = "transcript_json", "Transcript (JSON)"
        TRANSCRIPT_HTML = "transcript_html", "Transcript (HTML)"
        CHAPTERS_JSON = "chapters_json", "Chapters (JSON)"
        TIMELINE_JSON = "timeline_json", "Timeline (internal)"
        SOURCE_FILE = "source_file", "File that it is read from (internal, until it is complete)"

    #: What neither feeds name nor the media address serves.
    INTERNAL = (Kind.TIMELINE_JSON, Kind.SOURCE_FILE)

    episode = models.ForeignKey(Episode, on_delete=models.CASCADE, related_name="documents")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    storage_key = models.CharField(max_length=500, unique=True)
    mime_type = models.CharField(max_length=100)
    language = models.CharField(max_length=35, blank=True)
    bytes = models.PositiveBigIntegerField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["episode", "kind"], name="episodedocument_one_per_kind"
            ),
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "transcript_vtt",
                        "transcript_srt",
                        "transcript_json",
                        "transcript_html",
                        "chapters_json",
                        "timeline_json",
                        "source_file",
                    ]
                ),
                name="episodedocument_kind_known",
            ),
        ]

    def __str__(self) -> str:
        return self.storage_key


class AudioCopy(Leased):
    """The work of copying an episode's outside audio into our storage, and how it ended.

    The row is the queue: a worker claims it, holds it by a lease that it renews, and a sweep finds it
    again when the lease runs out.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting to be copied"
        COPYING = "copying", "Being copied"
        KEPT = "kept", "Kept: the episode sounds as the copy"
        FAILED = "failed", "Failed: the episode is as it was"

    episode = models.OneToOneField(Episode, on_delete=models.CASCADE, related_name="audio_copy")
    source_url = models.URLField(max_length=2_000)
    state = models.CharField(max_length=7, choices=State.choices, default=State.WAITING)
    error_code = models.CharField(max_length=100, blank=True)
    error_message = models.TextField(blank=True)
    requested_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = AudioCopyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "audio copies"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "copying", "kept", "failed"]),
                name="audiocopy_state_known",
            ),
            lease_while("copying", name="audiocopy_lease_while_copying"),
            models.CheckConstraint(
                condition=Q(state__in=["kept", "failed"], finished_at__isnull=False)
                | Q(state__in=["waiting", "copying"], finished_at__isnull=True),
                name="audiocopy_finished_when_final",
            ),
            models.CheckConstraint(
                condition=~Q(state="failed") | ~Q(error_code=""), name="audiocopy_failed_says_why"
            ),
        ]
        indexes = [
            # The sweep: what waits and is due, and what was abandoned.
            models.Index(
                fields=["due_at"],
                condition=Q(state__in=["waiting", "copying"]),
                name="audiocopy_due",
            ),
        ]

    def __str__(self) -> str:
        return self.source_url

    @property
    def is_open(self) -> bool:
        """Whether a worker is still to make it."""
        return self.state in {self.State.WAITING, self.State.COPYING}

    def queue(self, *, source_url: str, now: datetime) -> None:
        """Begin anew, with all attempts; the caller saves. Whoever held it finds its lease gone."""
        self.source_url = source_url
        self.state = self.State.WAITING
        self.attempts = 0
        self.requested_at = self.due_at = now
        self.lease = self.lease_until = self.finished_at = None
        self.error_code = self.error_message = ""
