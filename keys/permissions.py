"""What a key may do: the scope that a view names for each method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from core.errors import Forbidden
from keys.models import ApiKey

if TYPE_CHECKING:
    # rest_framework.views loads its default permissions, this module among them, while it loads.
    from rest_framework.views import APIView

if TYPE_CHECKING:
    # `rest_framework.views` imports this module in turn, by the name in the settings.
    from rest_framework.views import APIView


class InsufficientScope(Forbidden):
    """The key lacks the scope that the call needs."""

    code = "insufficient_scope"


class FullAccessRequired(Forbidden):
    """The call is for keys without scopes only."""

    code = "full_access_required"


class HasScope(BasePermission):
    """Reads `view.required_scopes`, a table from method to scope.

    A method that the table leaves out needs full access, so a forgotten entry locks out instead of
    letting in. Raises `InsufficientScope` with the text of contracts/podclaw.md section 1.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        """True when the key may make the call."""
        key = request.auth
        if not isinstance(key, ApiKey):
            return False
        if request.method not in view.allowed_methods:
            return True  # the view answers 405, whatever the key may do
        method = "GET" if request.method == "HEAD" else request.method
        scope = getattr(view, "required_scopes", {}).get(method)
        if scope is None:
            if not key.has_full_access:
                raise FullAccessRequired("This call needs a key with full access.")
        elif not key.allows(scope):
            held = ", ".join(key.scopes or ())
            raise InsufficientScope(
                f'Insufficient scope. Required: "{scope}". This key has: {held}.'
            )
        return True
