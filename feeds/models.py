"""Trailer: the episode that going live made for a show without any."""

from __future__ import annotations

from django.db import models

from episodes.models import Episode
from shows.models import Show


class Trailer(models.Model):
    """One a show. It is written with its episode, so two calls at once make one trailer."""

    show = models.OneToOneField(Show, on_delete=models.CASCADE, related_name="trailer")
    episode = models.OneToOneField(Episode, on_delete=models.CASCADE, related_name="trailer")
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Trailer of show {self.show_id}"
