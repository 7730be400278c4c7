"""What every view of the /api contract shares: the caller, the parsed body, no browsable extras."""

from __future__ import annotations

from typing import Any

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.views import APIView

#: More rows than any account has; a larger offset is as far behind the last row as this one.
MAX_OFFSET = 10**12


class ContractView(APIView):
    """A view that refuses OPTIONS like every other method that the contract does not name."""

    http_method_names = ["get", "head", "post", "patch", "delete"]

    def parsed_body(
        self, shape: type[serializers.Serializer[Any]], *, partial: bool = False
    ) -> dict[str, Any]:
        """The body in the given shape; raises `ValidationError` naming the first field at fault."""
        serializer = shape(data=self.request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


def page_bounds(query: QueryDict, *, default_limit: int, max_limit: int) -> tuple[int, int]:
    """`limit`, clamped to `max_limit`, and `offset`; raises `ValidationError` for what is no count."""
    limit = min(_count(query, "limit", default_limit), max_limit)
    return limit, min(_count(query, "offset", 0), MAX_OFFSET)


def _count(query: QueryDict, name: str, default: int) -> int:
    text = query.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit()):
        raise ValidationError({name: ["must be a whole number, 0 or more"]})
    # Longer than any sane number, and than what int() reads: it is clamped anyway.
    return int(text) if len(text) <= len(str(MAX_OFFSET)) else MAX_OFFSET
