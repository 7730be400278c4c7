"""What every call under /v1 has in common, and the answer for addresses that are none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ContractView
from studio.jellypod import exception_handler


class JellypodView(ContractView):
    """A view whose refusals have the contract's envelope."""

    http_method_names = ["get", "head", "post", "patch", "put", "delete"]
    document = "/v1/openapi.json"

    def get_exception_handler(
        self,
    ) -> Callable[[Exception, Mapping[str, Any]], Response | None]:
        """The contract's table instead of the default one."""
        return exception_handler

    def body_of(self, shape: Any, *, partial: bool = False) -> dict[str, Any]:
        """The body in a shape; all fields at fault are named. No body at all counts as an empty one."""
        return self.parsed_body(shape, partial=partial)


class UnknownView(JellypodView):
    """Every address under /v1 that is none."""

    authentication_classes = []
    permission_classes = []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """404, whatever the method."""
        raise NotFound("No such address. Every call is listed in the documentation.")
