"""Publication and production states, and the status each contract derives from the two."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import models


class Publication(models.TextChoices):
    """Whether the public sees an episode."""

    DRAFT = "draft", "Draft"
    SCHEDULED = "scheduled", "Scheduled"
    PUBLISHED = "published", "Published"


class ProductionState(models.TextChoices):
    """How far the making of the audio is; none for audio that came from outside."""

    NONE = "none", "None: the audio came from outside"
    PENDING = "pending", "Pending"
    PREPARING = "preparing", "Preparing"
    PROCESSING = "processing", "Processing"
    COMPLETE = "complete", "Complete"
    FAILED = "failed", "Failed"


@dataclass(frozen=True, slots=True)
class PublicationPlan:
    """What a request's `status` and `publish_at` come to."""

    state: Publication
    publish_at: datetime | None
    published_at: datetime | None


class ScheduleWithoutTime(ValueError):
    """`status` is scheduled, but there is no `publish_at`."""


def plan_publication(
    *,
    status: Publication | None,
    publish_at: datetime | None,
    published_at: datetime | None,
    now: datetime,
) -> PublicationPlan:
    """Apply the rules of contracts/podclaw.md section 4 (status machine) and A12, A13.

    An explicit status beats `publish_at`; without either an episode is published now. `published_at`
    is the date the feed shows and may lie in the past; alone it schedules nothing, and of what is
    published it is never later than now: apps hide what has yet to come.
    Raises `ScheduleWithoutTime`.
    """
    if status is None:
        status = Publication.PUBLISHED
        if publish_at is not None and publish_at > now:
            status = Publication.SCHEDULED
        elif publish_at is not None:
            published_at = published_at or publish_at
    if status == Publication.DRAFT:
        return PublicationPlan(status, publish_at, published_at)
    if status == Publication.SCHEDULED:
        if publish_at is None:
            raise ScheduleWithoutTime
        if publish_at > now:
            return PublicationPlan(status, publish_at, None)
        published_at = published_at or publish_at
    if publish_at is not None and publish_at > now:
        publish_at = None  # published ahead of its schedule, which is thereby over
    return PublicationPlan(Publication.PUBLISHED, publish_at, min(published_at or now, now))
