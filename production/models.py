"""Production, the row that turns one script into the audio of one episode."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from core.leases import Leased, lease_while
from episodes.models import Episode
from production.querysets import ProductionQuerySet
from production.states import Phase, State


class Production(Leased):
    """The work on one script: its place in the queue, its progress and how it ended.

    The row is the queue: a worker claims it by a conditional update, holds it by a lease that it
    renews while it works, and a sweep finds it again when the lease runs out.
    """

    episode = models.OneToOneField(Episode, on_delete=models.CASCADE, related_name="production")
    script = models.JSONField(help_text="production.script.Script as JSON.")
    voice = models.CharField(max_length=100)
    speed = models.FloatField(default=1.0)
    publish_on_complete = models.BooleanField(default=False)
    on_end = models.CharField(
        max_length=100,
        blank=True,
        help_text="Registered name of a task that is rung with `episode_id` however it ends.",
    )
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    phase = models.CharField(max_length=9, choices=Phase.choices, default=Phase.NONE, blank=True)
    sentences_total = models.PositiveIntegerField()
    sentences_done = models.PositiveIntegerField(default=0)
    sentences_rendered = models.PositiveIntegerField(
        default=0, help_text="Sentences that the last run had to render; the others were cached."
    )
    seconds_left = models.PositiveIntegerField(null=True, blank=True)
    error_code = models.CharField(max_length=100, blank=True)
    error_message = models.TextField(blank=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ProductionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=State.values), name="production_state_known"
            ),
            models.CheckConstraint(
                condition=Q(phase__in=Phase.values), name="production_phase_known"
            ),
            models.CheckConstraint(
                condition=Q(sentences_done__lte=F("sentences_total")),
                name="production_done_within_total",
            ),
            models.CheckConstraint(
                condition=Q(sentences_total__gt=0), name="production_has_sentences"
            ),
            models.CheckConstraint(
                condition=Q(speed__gte=0.5, speed__lte=2.0), name="production_speed_in_range"
            ),
            lease_while("running", name="production_lease_while_running"),
        ]
        indexes = [
            # The sweep: what waits and is due, and what was abandoned.
            models.Index(
                fields=["due_at"],
                condition=Q(state__in=["waiting", "running"]),
                name="production_due",
            ),
        ]

    def __str__(self) -> str:
        return f"Production {self.pk}"

    @property
    def percent(self) -> int:
        """Whole percent done; 100 only when complete."""
        if self.state == State.COMPLETE:
            return 100
        return 99 * self.sentences_done // self.sentences_total
