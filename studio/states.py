"""States of generations and sources as the queue sees them, and the status that clients see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from episodes.states import ProductionState, Publication

if TYPE_CHECKING:
    from episodes.models import Episode

#: Production states of an episode that is on its way to having audio.
_BEING_MADE = (ProductionState.PENDING, ProductionState.PREPARING, ProductionState.PROCESSING)


class GenerationState(models.TextChoices):
    """From prompt to audio; the last three are final until somebody retries."""

    QUEUED = "queued", "Queued"
    WRITING = "writing", "Being written"
    PRODUCING = "producing", "Handed to production"
    COMPLETE = "complete", "Complete"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


#: What counts towards the five episodes that an account may have under way.
UNDER_WAY = (GenerationState.QUEUED, GenerationState.WRITING, GenerationState.PRODUCING)
#: Of these, what is being worked on.
WORKED_ON = (GenerationState.WRITING, GenerationState.PRODUCING)


class SourceState(models.TextChoices):
    """The contract's words (contracts/jellypod.md section 7)."""

    PROCESSING = "processing", "Processing"
    COMPLETED = "completed", "Completed"
    ERROR = "error", "Error"


class Phase(models.TextChoices):
    """What a generation that is being written is at."""

    NONE = "", "None"
    SCRIPT = "script", "Writing the script"
    VOICES = "voices", "Speaking it, to learn its length"
    LENGTH = "length", "Bringing it to the length asked for"


class EpisodeStatus(models.TextChoices):
    """What clients see (contracts/jellypod.md section 4)."""

    DRAFT = "draft", "Draft"
    GENERATING = "generating", "Generating"
    READY = "ready", "Ready"
    SCHEDULED = "scheduled", "Scheduled"
    PUBLISHED = "published", "Published"
    FAILED = "failed", "Failed"


def episode_status(episode: Episode) -> EpisodeStatus:
    """The status that follows from publication and production."""
    if episode.state == Publication.PUBLISHED:
        return EpisodeStatus.PUBLISHED
    if episode.state == Publication.SCHEDULED:
        return EpisodeStatus.SCHEDULED
    if episode.production_state in _BEING_MADE:
        return EpisodeStatus.GENERATING
    if episode.production_state == ProductionState.FAILED:
        return EpisodeStatus.FAILED
    return EpisodeStatus.DRAFT


def with_status(status: EpisodeStatus) -> Q:
    """The condition that `episode_status` gives `status`; nothing is ever `ready`."""
    draft = Q(state=Publication.DRAFT)
    return {
        EpisodeStatus.PUBLISHED: Q(state=Publication.PUBLISHED),
        EpisodeStatus.SCHEDULED: Q(state=Publication.SCHEDULED),
        EpisodeStatus.GENERATING: draft & Q(production_state__in=_BEING_MADE),
        EpisodeStatus.FAILED: draft & Q(production_state=ProductionState.FAILED),
        EpisodeStatus.DRAFT: draft
        & Q(production_state__in=[ProductionState.NONE, ProductionState.COMPLETE]),
        EpisodeStatus.READY: Q(pk__in=[]),
    }[status]
