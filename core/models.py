"""The register of everything written to storage, and the answers kept for repeated requests."""

from django.db import models
from django.db.models import Q

from core.text import has_text


class StoredFile(models.Model):
    """Written before its file is, so that a file whose owner never came, or went, can be swept."""

    key = models.CharField(max_length=500, unique=True)
    created_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.key


class IdempotentRequest(models.Model):
    """A POST with an Idempotency-Key: running while it has no status, then with its answer.

    `caller` is an account's id: core knows no accounts. `body` is null where the answer held a secret.
    """

    caller = models.CharField(max_length=64)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    body = models.TextField(null=True, blank=True)  # noqa: DJ001 - empty and not kept differ
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["caller", "key"], name="idempotentrequest_once"),
            models.CheckConstraint(condition=has_text("key"), name="idempotentrequest_has_key"),
            models.CheckConstraint(
                condition=Q(status__isnull=False) | Q(body__isnull=True),
                name="idempotentrequest_answer_has_status",
            ),
        ]

    def __str__(self) -> str:
        return self.key
