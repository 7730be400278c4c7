"""ApiKey (the hash, prefix and scopes of a bearer key) and DeviceCode (a program that waits for one)."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from accounts.models import Account
from keys.querysets import ApiKeyQuerySet


class ApiKey(models.Model):
    """A bearer key. Only its SHA-256 is kept: keys are 190 random bits, so a slow hash adds nothing."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="keys")
    name = models.CharField(max_length=255, blank=True)
    prefix = models.CharField(max_length=16)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(null=True, blank=True, help_text="Empty means full access.")
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(scopes=[]), name="apikey_scopes_not_empty_list"),
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=F("created_at")),
                name="apikey_expires_after_creation",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}… {self.name}".strip()

    def allows(self, scope: str) -> bool:
        """Whether a call that needs `scope` may be made; a key without scopes may make any."""
        return self.scopes is None or scope in self.scopes

    def is_active(self, *, now: datetime) -> bool:
        """Whether the key opens anything at `now`."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)

    @property
    def has_full_access(self) -> bool:
        """True for a key without scopes."""
        return self.scopes is None


class DeviceCode(models.Model):
    """A program that waits to be let in, from its first request until it has its key."""

    digest = models.CharField(max_length=64, unique=True)
    user_code = models.CharField(max_length=8, unique=True, help_text="What a person confirms.")
    approver = models.ForeignKey(
        ApiKey,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="approved_devices",
        help_text="The key of the session in which the code was confirmed.",
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")),
                name="devicecode_expires_after_creation",
            ),
        ]

    def __str__(self) -> str:
        return self.user_code
