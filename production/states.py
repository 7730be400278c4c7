"""States of a production as the queue sees them, and the phases inside a run."""

from __future__ import annotations

from django.db import models


class State(models.TextChoices):
    """Waiting and running are the queue; the others are final until somebody retries."""

    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    COMPLETE = "complete", "Complete"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class Phase(models.TextChoices):
    """What a run is doing."""

    NONE = "", "None"
    RENDERING = "rendering", "Rendering, mastering and encoding"
    FINISHING = "finishing", "Transcripts, tags and storing"
