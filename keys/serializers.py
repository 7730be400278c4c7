"""Shapes of keys in the PodClaw contract (contracts/podclaw.md section 2)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rest_framework import serializers

from core.fields import EmailField, MomentField, NumberField, TextField
from core.schemas import Schema, a_list, one_of
from core.times import iso_milliseconds
from keys.models import ApiKey
from keys.scopes import SCOPES
from keys.services import IssuedKey

MAX_NAME_LENGTH = 255
MAX_OVERLAP_SECONDS = 30 * 24 * 3600


class ScopesField(serializers.Field[list[str], object, Any, Any]):
    """A list of strings; which of them are scopes the service knows."""

    default_error_messages = {"type": "must be a list of scopes, or null for full access"}

    def to_internal_value(self, data: object) -> list[str]:
        """The list as it came."""
        if not isinstance(data, list) or not all(isinstance(scope, str) for scope in data):
            self.fail("type")
        return data

    def schema(self) -> Schema:
        """A list of scopes."""
        return {**a_list(one_of(SCOPES)), "minItems": 1}


class NewKey(serializers.Serializer[Any]):
    """The body of POST /api/keys."""

    name = TextField(max_length=MAX_NAME_LENGTH, required=False, allow_null=True)
    email = EmailField(required=False, allow_null=True)
    scopes = ScopesField(required=False, allow_null=True)
    expires_at = MomentField(required=False, allow_null=True)


class KeyChanges(serializers.Serializer[Any]):
    """The body of PATCH /api/keys/:id."""

    name = TextField(max_length=MAX_NAME_LENGTH, required=False, allow_null=True)
    expires_at = MomentField(required=False, allow_null=True)


class KeyRotation(serializers.Serializer[Any]):
    """The body of POST /api/keys/:id/rotate."""

    overlap_seconds = NumberField(high=MAX_OVERLAP_SECONDS, required=False)


def managed_key_object(key: ApiKey, *, now: datetime) -> dict[str, object]:
    """A key with all that its owner wants to know of it."""
    return {
        **key_object(key),
        "is_active": key.is_active(now=now),
        "last_used_at": iso_milliseconds(key.last_used_at),
        "expires_at": iso_milliseconds(key.expires_at),
        "revoked_at": iso_milliseconds(key.revoked_at),
    }


def key_object(key: ApiKey) -> dict[str, object]:
    """What may be told about a key at any time."""
    return {
        "id": key.pk,
        "prefix": key.prefix,
        "name": key.name or None,
        "scopes": key.scopes,
        "created_at": iso_milliseconds(key.created_at),
    }


def issued_key_object(issued: IssuedKey) -> dict[str, object]:
    """A key with its secret, for the one answer that ever shows it."""
    return {"id": issued.key.pk, "key": issued.secret, **key_object(issued.key)}
