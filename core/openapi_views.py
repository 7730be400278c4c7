"""A contract's OpenAPI document as a call, for everybody and from any page."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.urls import get_resolver
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ContractView
from core.openapi import Contract, Operation, documented_routes, openapi_document, routes
from core.schemas import Schema


class OpenApiView(ContractView):
    """Answers with the document that `document` names by its address."""

    authentication_classes = []
    permission_classes = [AllowAny]
    operations = {
        "GET": Operation("This document", {200: {"type": "object"}}, access="public"),
    }
    document = "/api/openapi.json"
    title = ""
    description = ""
    contract = Contract()

    def get(self, request: Request) -> Response:
        """The document for this server's public address."""
        headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300"}
        return Response(self.written(settings.PUBLIC_URL), headers=headers)

    @classmethod
    @cache
    def written(cls, public_url: str) -> Schema:
        """The document itself."""
        found = list(routes(get_resolver().url_patterns))
        return openapi_document(
            documented_routes(found, document=cls.document),
            title=cls.title,
            version=settings.VERSION,
            description=cls.description,
            server=public_url,
            contract=cls.contract,
        )
