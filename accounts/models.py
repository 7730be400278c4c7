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
