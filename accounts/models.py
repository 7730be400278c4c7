"""Account, the tenant that owns everything else."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Account(models.Model):
    """A tenant: keys, shows, usage and plan hang on it."""

    name = models.CharField(max_length=255, blank=True)
    email = models.EmailField(max_length=254, null=True, blank=True)  # noqa: DJ001 - null = unknown
    is_operator = models.BooleanField(
        default=False, help_text="The operator's own account: no plan limits apply to it."
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(email__isnull=True) | ~Q(email=""), name="account_email_null_not_blank"
            ),
            # `ensure_operator_account` relies on it: two first starts make one account.
            models.UniqueConstraint(
                fields=["is_operator"], condition=Q(is_operator=True), name="account_one_operator"
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"Account {self.pk}"

    @property
    def is_authenticated(self) -> bool:
        """Always true: a request only ever has an account when its key was found."""
        return True


class AuditEntry(models.Model):
    """Something that was done to an account, by whom and when. Rows are only ever added."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="audit_entries")
    action = models.CharField(max_length=64, help_text="Such as key.revoked.")
    actor = models.CharField(max_length=255, help_text="A key's prefix, or the operator's name.")
    details = models.JSONField(default=dict, blank=True)
    occurred_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "audit entries"
        constraints = [
            models.CheckConstraint(condition=~Q(action=""), name="auditentry_action_not_empty"),
            models.CheckConstraint(condition=~Q(actor=""), name="auditentry_actor_not_empty"),
        ]
        indexes = [
            # The log of one account, newest first.
            models.Index(fields=["account", "-occurred_at", "-id"], name="auditentry_log"),
        ]

    def __str__(self) -> str:
        return f"{self.action} by {self.actor}"
