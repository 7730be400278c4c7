"""The document of the PodRead contract: valid, public, complete, and true of what is answered."""

from __future__ import annotations

import jsonschema
import pytest
from django.urls import get_resolver
from openapi_spec_validator import OpenAPIV31SpecValidator
from rest_framework.test import APIClient

from core.openapi import documented_routes, routes
from episodes.models import Episode

DOCUMENT = "/api/v1/openapi.json"
TEXT = "Trains have run on this line for a hundred and fifty years. " * 3


@pytest.fixture
def document(transactional_db):
    answer = APIClient().get(DOCUMENT)
    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == "*"
    return answer.json()


def test_is_valid_openapi(document):
    OpenAPIV31SpecValidator(document).validate()


def test_describes_every_address_of_the_contract(document):
    found = documented_routes(list(routes(get_resolver().url_patterns)), document=DOCUMENT)
    narrated = {
        path.replace("{public_id}", "{id}")
        .replace("{entry_id}", "{id}")
        .replace("{listener_id}", "{id}")
        for path in (route.path for route in found)
        if "mpp" not in path and path.startswith("/") and "(?P" not in path
    }

    assert narrated - {DOCUMENT} <= set(document["paths"])


def test_is_true_of_the_answers(document, owner_client):
    made = owner_client.post(
        "/api/v1/episodes", {"source_type": "text", "text": TEXT}, format="json"
    )
    public_id = made.json()["id"]
    owner_client.post("/api/v1/lexicon", {"word": "x", "respelling": "y"}, format="json")
    for path in document["paths"]:
        call = document["paths"][path].get("get")
        if call is None:
            continue
        show_id = str(Episode.objects.get().show_id)
        answer = owner_client.get(path.replace("{id}", public_id).replace("{show_id}", show_id))

        schema = call["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema.validate(answer.json(), {**schema, "components": document["components"]})
        assert answer.status_code == 200
