"""StoredFile, the register of everything written to storage."""

from django.db import models


class StoredFile(models.Model):
    """Written before its file is, so that a file whose owner never came, or went, can be swept."""

    key = models.CharField(max_length=500, unique=True)
    created_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.key
