"""Schemathesis against the OpenAPI documents: whatever is sent, the answer is one that they describe."""

from __future__ import annotations

import itertools

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_schema_conformance,
    status_code_conformance,
)

from config.serving import make_application

application = make_application()
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    ignored_auth,
]


def whole_answers(environ, start_response):
    """The application as servers call it: they read the answer to its end and close what can be."""
    answer = application(environ, start_response)
    try:
        return [b"".join(answer)]
    finally:
        getattr(answer, "close", lambda: None)()


def a_few(examples):
    """Always the same examples for a call, so many: each field is wrong in several ways."""
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


api = schemathesis.openapi.from_wsgi("/api/openapi.json", whole_answers)
studio = schemathesis.openapi.from_wsgi("/v1/openapi.json", whole_answers)


@pytest.fixture
def validate(issued):
    """Sends a case to objects that there are, given by the names of their parameters; checks the answer."""
    turns = itertools.count()

    def send(case, known):
        turn = next(turns)
        if turn % 2:
            # Invented ids lead nowhere: half of the requests reach an object.
            case.path_parameters |= {
                name: value for name, value in known.items() if name in (case.path_parameters or {})
            }
        if turn % 5:
            # Repeated keys are refused as repeated, whatever else is wrong with the request.
            case.headers.pop("Idempotency-Key", None)
        case.call_and_validate(headers={"Authorization": f"Bearer {issued.secret}"}, checks=CHECKS)

    return send


@api.parametrize()
@a_few(examples=12)
def test_every_answer_is_one_that_is_described(case, validate, known):
    validate(case, known)


@studio.parametrize()
@a_few(examples=2)
def test_every_answer_of_the_studio_is_one_that_is_described(case, validate, known_to_studio):
    validate(case, known_to_studio)
