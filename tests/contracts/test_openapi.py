"""The OpenAPI documents of /api and /v1: valid, public, and complete."""

from __future__ import annotations

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from rest_framework.test import APIClient

from tests.contracts.calls import DOCUMENTED, EVERY_ROUTE, OF_STUDIO

ROUTES_OF = {"/api/openapi.json": DOCUMENTED, "/v1/openapi.json": OF_STUDIO}
#: Described by documents of their own.
OTHER_CONTRACTS = {"/api/v1/openapi.json"}


@pytest.fixture(scope="module")
def documents():
    return {address: APIClient().get(address).json() for address in ROUTES_OF}


@pytest.fixture(scope="module")
def document(documents):
    return documents["/api/openapi.json"]


@pytest.fixture(scope="module")
def of_studio(documents):
    return documents["/v1/openapi.json"]


@pytest.mark.parametrize("address", ROUTES_OF)
def test_is_valid_openapi(documents, address):
    OpenAPIV31SpecValidator(documents[address]).validate()


@pytest.mark.parametrize("address", ROUTES_OF)
def test_is_for_everybody_and_any_page(address):
    answer = APIClient().get(address)

    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["ETag"]
    assert answer.json()["servers"] == [{"url": "https://podcasts.example"}]


@pytest.mark.parametrize(
    ("address", "route"),
    [(address, route) for address, found in ROUTES_OF.items() for route in found],
    ids=lambda value: getattr(value, "name", ""),
)
def test_describes_every_method_of_every_route(documents, address, route):
    described = {method.upper() for method in documents[address]["paths"].get(route.path, {})}

    assert route.methods, "describe the view: give it `operations`, or `described(...)`"
    assert described == route.methods


@pytest.mark.parametrize(("address", "found"), ROUTES_OF.items(), ids=ROUTES_OF)
def test_describes_nothing_else(documents, address, found):
    assert set(documents[address]["paths"]) == {route.path for route in found}


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


def test_every_address_of_the_studio_is_in_its_document():
    below = {route.path for route in EVERY_ROUTE if route.path.startswith("/v1/")}

    assert below == {route.path for route in OF_STUDIO}


def test_names_the_scope_that_a_call_needs(document):
    assert "`shows:write`" in document["paths"]["/api/shows"]["post"]["description"]
    assert "full access" in document["paths"]["/api/keys"]["get"]["description"]


def test_makes_nothing_required_in_a_change(document):
    schema = document["components"]["schemas"]["ShowChanges"]

    assert "required" not in schema
    assert schema["minProperties"] == 1


class TestStudio:
    def test_has_the_error_and_the_scheme_of_its_contract(self, of_studio):
        error = of_studio["components"]["schemas"]["Error"]["properties"]["error"]

        assert set(error["required"]) == {"code", "message", "request_id", "details"}
        assert set(of_studio["components"]["securitySchemes"]) == {"BearerAuth"}

    def test_lists_have_cursors(self, of_studio):
        call = of_studio["paths"]["/v1/episodes"]["get"]
        schema = call["responses"]["200"]["content"]["application/json"]["schema"]

        assert {"cursor", "limit"} <= {one["name"] for one in call["parameters"]}
        assert schema["required"] == ["data", "pagination"]

    def test_a_change_may_be_empty(self, of_studio):
        assert "minProperties" not in of_studio["components"]["schemas"]["HostChanges"]

    def test_bodies_within_bodies_are_described(self, of_studio):
        schemas = of_studio["components"]["schemas"]

        assert schemas["SeriesOptions"]["properties"]["num_episodes"]["anyOf"][0]["maximum"] == 8
        assert schemas["ScriptShape"]["properties"]["chapters"] == {
            "type": "array",
            "items": {"$ref": "#/components/schemas/ChapterShape"},
            "minItems": 1,
            "maxItems": 50,
        }

    @pytest.mark.parametrize(
        ("method", "path", "statuses"),
        [
            ("put", "/v1/podcasts/{podcast_id}/image", "200 400 401 403 404 429"),
            ("post", "/v1/podcasts/generate", "202 400 401 402 403 409 422 429 500"),
            ("get", "/v1/episodes/{episode_id}/timestamps", "200 304 400 401 403 404 429"),
            ("delete", "/v1/hosts/{host_id}", "204 400 401 403 404 429"),
        ],
    )
    def test_names_every_status_and_the_limits(self, of_studio, method, path, statuses):
        answers = of_studio["paths"][path][method]["responses"]

        assert " ".join(sorted(answers)) == statuses
        for status in set(answers) - {"401"}:
            limits = {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"}
            assert limits <= set(answers[status]["headers"]), status
        assert answers["429"]["headers"]["Retry-After"]
