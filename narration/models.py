"""What is narrated and how: Narration, its settings and lexicon, and the count of the hourly limit."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import Account
from core.leases import Leased, lease_while
from core.text import has_text
from episodes.models import Episode
from narration.querysets import NarrationQuerySet
from shows.models import Show


class Narration(Leased):
    """The source of an episode, and how far its preparing is: source -> article -> script.

    What clients see as the status is the episode's production state; `state` is the queue's view.
    """

    class SourceType(models.TextChoices):
        URL = "url", "Web page"
        PASTE = "paste", "Pasted text"
        EXTENSION = "extension", "Browser extension"
        FILE = "file", "File"
        EMAIL = "email", "E-mail"

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting to be prepared"
        PREPARING = "preparing", "Being prepared"
        PREPARED = "prepared", "Handed to production"
        FAILED = "failed", "Failed"

    episode = models.OneToOneField(Episode, on_delete=models.CASCADE, related_name="narration")
    source_type = models.CharField(max_length=9, choices=SourceType.choices)
    source_url = models.TextField(blank=True, help_text="Normalised; what clients are shown.")
    requested_url = models.TextField(blank=True, help_text="As it was sent.")
    text = models.TextField(blank=True)
    html = models.TextField(blank=True, help_text="The page, where the client sent it along.")
    file_name = models.CharField(max_length=255, blank=True, help_text="Of a file, as sent.")
    voice = models.CharField(max_length=100, blank=True, help_text="Empty: by language.")
    rules = models.JSONField(
        default=dict, blank=True, help_text="As sent; they win over the account's."
    )
    title = models.CharField(max_length=255, blank=True, help_text="As sent; empty: from the text.")
    author = models.CharField(max_length=255, blank=True, help_text="As sent.")
    description = models.CharField(max_length=1_000, blank=True, help_text="As sent.")
    tidying = models.JSONField(
        default=dict, blank=True, help_text="What the writer changed, or why it could not."
    )
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    error_code = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField()

    objects = NarrationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(source_type__in=["url", "paste", "extension", "file", "email"]),
                name="narration_source_type_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "preparing", "prepared", "failed"]),
                name="narration_state_known",
            ),
            models.CheckConstraint(
                condition=Q(source_type="url") & ~Q(source_url="")
                | Q(source_type="extension") & ~Q(source_url="") & (~Q(text="") | ~Q(html=""))
                | Q(source_type="file") & ~Q(file_name="")
                | Q(source_type__in=["paste", "email"]) & ~Q(text=""),
                name="narration_has_its_source",
            ),
            lease_while("preparing", name="narration_lease_while_preparing"),
        ]
        indexes = [
            # The sweep: what waits and is due, and what was abandoned.
            models.Index(
                fields=["due_at"],
                condition=Q(state__in=["waiting", "preparing"]),
                name="narration_due",
            ),
        ]

    def __str__(self) -> str:
        return self.source_url or self.title or f"Narration {self.pk}"


class ReadingSettings(models.Model):
    """How an account wants its texts read, where a request does not say otherwise."""

    account = models.OneToOneField(
        Account, on_delete=models.CASCADE, related_name="reading_settings"
    )
    rules = models.JSONField(
        default=dict, blank=True, help_text="Part -> read, describe or skip; the others: skip."
    )
    voice = models.CharField(max_length=100, blank=True, help_text="Empty: by language.")
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "reading settings"

    def __str__(self) -> str:
        return f"Reading settings of {self.account}"


class LexiconEntry(models.Model):
    """How an account, in all or in one of its shows, wants a word spoken."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="lexicon_entries")
    show = models.ForeignKey(
        Show,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="lexicon_entries",
        help_text="Empty: all shows; an entry of a show wins.",
    )
    word = models.CharField(max_length=100)
    respelling = models.CharField(max_length=200, blank=True)
    phonemes = models.CharField(max_length=200, blank=True, help_text="IPA.")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "lexicon entries"
        constraints = [
            models.UniqueConstraint(
                fields=["account", "word"],
                condition=Q(show__isnull=True),
                name="lexiconentry_one_per_word",
            ),
            models.UniqueConstraint(
                fields=["account", "show", "word"], name="lexiconentry_one_per_show_and_word"
            ),
            models.CheckConstraint(condition=has_text("word"), name="lexiconentry_word_not_empty"),
            models.CheckConstraint(
                condition=has_text("respelling") | has_text("phonemes"),
                name="lexiconentry_says_how",
            ),
        ]

    def __str__(self) -> str:
        return self.word


class NarrationRequest(models.Model):
    """One accepted request; outlives the episode, so that deleting gives no room for more."""

    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="narration_requests"
    )
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            # The last hour of one account.
            models.Index(fields=["account", "created_at"], name="narrationrequest_hour"),
        ]

    def __str__(self) -> str:
        return f"{self.account} at {self.created_at:%Y-%m-%d %H:%M}"
