"""What the Studio keeps: podcasts, hosts, sources, requests to generate and the generations themselves."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from accounts.models import Account
from core.ids import random_text
from core.leases import Leased, lease_while, lease_whole
from core.text import has_text
from episodes.models import Episode
from shows.models import Show
from studio.querysets import GenerationQuerySet, HostQuerySet, SourceQuerySet
from studio.states import GenerationState, Phase, SourceState

HOST_ID_LENGTH = 8


def host_public_id() -> str:
    """8 letters and digits, as the contract has them; unique by constraint."""
    return random_text(HOST_ID_LENGTH)


class Host(models.Model):
    """A persona that owns a voice. Archived, never deleted: episodes and podcasts name it by its id."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="hosts")
    public_id = models.CharField(max_length=8, unique=True, default=host_public_id)
    name = models.CharField(max_length=100)
    title = models.CharField(max_length=255, blank=True)
    backstory = models.TextField(max_length=3_000)
    personality = models.TextField(max_length=3_000, blank=True)
    voice = models.CharField(max_length=100, help_text="The id of an engine's voice.")
    voice_model = models.CharField(max_length=100, default="horizon")
    made_for_voice = models.CharField(  # noqa: DJ001 - null = not a default host
        max_length=100,
        null=True,
        blank=True,
        help_text="A default host stands for this voice; it is listed while the voice is there.",
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True, blank=True)

    objects = HostQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=has_text("name"), name="host_name_not_empty"),
            models.CheckConstraint(condition=has_text("voice"), name="host_has_voice"),
            models.UniqueConstraint(
                fields=["account", "made_for_voice"],
                condition=Q(made_for_voice__isnull=False),
                name="host_one_default_per_voice",
            ),
        ]
        indexes = [
            # The list of an account, newest first.
            models.Index(fields=["account", "-created_at", "-id"], name="host_list"),
        ]

    def __str__(self) -> str:
        return self.name


class StudioPodcast(models.Model):
    """What the Studio knows of a show beyond the show itself."""

    class Order(models.TextChoices):
        EPISODIC = "episodic", "Episodic"
        SERIAL = "serial", "Serial"

    class Visibility(models.TextChoices):
        PUBLIC = "public", "Public"
        PRIVATE = "private", "Private"
        UNLISTED = "unlisted", "Unlisted: a public feed that nothing links"

    show = models.OneToOneField(Show, on_delete=models.CASCADE, related_name="studio")
    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    host_ids = models.JSONField(help_text="Public ids of its hosts, in speaking order.")
    show_order = models.CharField(max_length=8, choices=Order.choices, default=Order.EPISODIC)
    visibility = models.CharField(
        max_length=8, choices=Visibility.choices, default=Visibility.UNLISTED
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(show_order__in=["episodic", "serial"]),
                name="studiopodcast_show_order_known",
            ),
            models.CheckConstraint(
                condition=Q(visibility__in=["public", "private", "unlisted"]),
                name="studiopodcast_visibility_known",
            ),
        ]

    def __str__(self) -> str:
        return str(self.show)


class Source(Leased):
    """Material to write from: a page, a file or a text, and how far the reading of it is."""

    class Type(models.TextChoices):
        URL = "url", "Web page"
        TEXT = "text", "Text"
        FILE = "file", "File"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="sources")
    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    type = models.CharField(max_length=4, choices=Type.choices)
    title = models.CharField(max_length=255, blank=True)
    url = models.TextField(blank=True)
    filename = models.CharField(max_length=255, blank=True)
    storage_key = models.CharField(
        max_length=500, blank=True, help_text="The file, until it has been read."
    )
    text = models.TextField(blank=True, help_text="Markdown: headings and paragraphs.")
    language = models.CharField(max_length=35, blank=True)
    state = models.CharField(
        max_length=10, choices=SourceState.choices, default=SourceState.PROCESSING
    )
    error_code = models.CharField(max_length=100, blank=True)
    error_message = models.TextField(blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = SourceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(type__in=["url", "text", "file"]), name="source_type_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["processing", "completed", "error"]),
                name="source_state_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="completed") | has_text("text"), name="source_completed_has_text"
            ),
            models.CheckConstraint(
                condition=~Q(state="error") | has_text("error_message"),
                name="source_error_has_reason",
            ),
            lease_whole(name="source_lease_whole"),
        ]
        indexes = [
            # The list of an account, newest first.
            models.Index(fields=["account", "-created_at", "-id"], name="source_list"),
            # The sweep: what waits to be read, and what was abandoned.
            models.Index(fields=["due_at"], condition=Q(state="processing"), name="source_due"),
        ]

    def __str__(self) -> str:
        return self.title or self.url or self.filename or str(self.uuid)


class GenerationRequest(models.Model):
    """One accepted request to generate: the count behind the limits, and the series plan's place.

    It outlives its episodes, so that deleting them gives no room for more. While a plan is made it
    has a lease; when that runs out nothing has come of it, and it goes.
    """

    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="generation_requests"
    )
    weight = models.PositiveIntegerField(help_text="Episodes asked for.")
    is_planning = models.BooleanField(default=False)
    lease_until = models.DateTimeField(null=True, blank=True)
    writer = models.CharField(max_length=32, blank=True)
    model = models.CharField(max_length=200, blank=True)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(weight__gt=0), name="generationrequest_weighs"),
            models.CheckConstraint(
                condition=Q(is_planning=True, lease_until__isnull=False)
                | Q(is_planning=False, lease_until__isnull=True),
                name="generationrequest_lease_while_planning",
            ),
        ]
        indexes = [
            # The last minute of one account.
            models.Index(fields=["account", "created_at"], name="generationrequest_minute"),
        ]

    def __str__(self) -> str:
        return f"{self.weight} for {self.account}"


class Generation(Leased):
    """The making of one episode from what was asked: its place in the queue, its script, its cost.

    The row is the queue: a worker claims it by a conditional update, holds it by a lease, and a
    sweep finds it again. What was written stays on it, so that a killed worker's successor goes on.
    """

    episode = models.OneToOneField(Episode, on_delete=models.CASCADE, related_name="generation")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="generations")
    prompt = models.TextField(blank=True)
    host_ids = models.JSONField(help_text="Public ids of its hosts, in speaking order.")
    sources = models.ManyToManyField(Source, related_name="generations", blank=True)
    outline = models.JSONField(default=dict, blank=True, help_text="studio.writers.base.Outline.")
    language = models.CharField(max_length=35, default="en")
    target_seconds = models.PositiveIntegerField()
    has_title = models.BooleanField(
        default=False, help_text="The episode's title is one that was given or planned."
    )
    keep_title = models.BooleanField(default=False, help_text="It was given: do not write another.")
    is_strict = models.BooleanField(
        default=False, help_text="Refuse a script with statements that stand in no source."
    )
    disclose_in_notes = models.BooleanField(default=True)
    disclose_aloud = models.BooleanField(default=False)
    writer = models.CharField(max_length=32, blank=True)
    model = models.CharField(max_length=200, blank=True)
    draft = models.JSONField(default=dict, blank=True, help_text="studio.writers.base.Draft.")
    grounding = models.JSONField(
        default=list, blank=True, help_text="Statements of the script that stand in no source."
    )
    is_adjusted = models.BooleanField(default=False, help_text="Its length was corrected once.")
    measured_seconds = models.FloatField(null=True, blank=True)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    state = models.CharField(
        max_length=9, choices=GenerationState.choices, default=GenerationState.QUEUED
    )
    phase = models.CharField(max_length=8, choices=Phase.choices, default=Phase.NONE, blank=True)
    percent = models.PositiveIntegerField(default=0)
    error_code = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = GenerationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=GenerationState.values), name="generation_state_known"
            ),
            models.CheckConstraint(
                condition=Q(phase__in=Phase.values), name="generation_phase_known"
            ),
            models.CheckConstraint(
                condition=Q(target_seconds__gt=0), name="generation_target_positive"
            ),
            models.CheckConstraint(
                condition=Q(percent__lte=100), name="generation_percent_in_range"
            ),
            lease_while("writing", name="generation_lease_while_writing"),
            models.CheckConstraint(
                condition=~Q(keep_title=True) | Q(has_title=True),
                name="generation_kept_title_is_there",
            ),
        ]
        indexes = [
            # The sweep, and the count of what an account has under way.
            models.Index(
                fields=["account", "due_at"],
                condition=Q(state__in=["queued", "writing", "producing"]),
                name="generation_under_way",
            ),
        ]

    def __str__(self) -> str:
        return f"Generation {self.pk}"
