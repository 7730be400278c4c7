"""The OpenAPI document: valid, public, and complete."""

from __future__ import annotations

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from rest_framework.test import APIClient

from tests.contracts.calls import DOCUMENTED, EVERY_ROUTE

#: Described by documents of their own.
OTHER_CONTRACTS = {"/api/v1/openapi.json"}


@pytest.fixture(scope="module")
def document():
    return APIClient().get("/api/openapi.json").json()


def test_is_valid_openapi(document):
    OpenAPIV31SpecValidator(document).validate()


def test_is_for_everybody_and_any_page():
    answer = APIClient().get("/api/openapi.json")

    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["ETag"]
    assert answer.json()["servers"] == [{"url": "https://podcasts.example"}]


@pytest.mark.parametrize("route", DOCUMENTED, ids=lambda route: f"{route.path} ({route.name})")
def test_describes_every_method_of_every_route(document, route):
    described = {method.upper() for method in document["paths"].get(route.path, {})}

    assert route.methods, "describe the view: give it `operations`, or `described(...)`"
    assert described == route.methods


def test_describes_nothing_else(document):
    assert set(document["paths"]) == {route.path for route in DOCUMENTED}


def test_every_route_below_api_is_in_a_document_or_an_alias():
    left_out = [
        route
        for route in EVERY_ROUTE
        if route.path.startswith("/api/")
        and route not in DOCUMENTED
        and getattr(route.view, "document", None) not in OTHER_CONTRACTS
    ]

    for route in left_out:
        twin = route.path.replace("/api/v1/", "/api/")
        assert any(one.path == twin and one.view is route.view for one in DOCUMENTED), route


def test_names_the_scope_that_a_call_needs(document):
    assert "`shows:write`" in document["paths"]["/api/shows"]["post"]["description"]
    assert "full access" in document["paths"]["/api/keys"]["get"]["description"]


def test_makes_nothing_required_in_a_change(document):
    schema = document["components"]["schemas"]["ShowChanges"]

    assert "required" not in schema
    assert schema["minProperties"] == 1
