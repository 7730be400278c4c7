"""Compares an answer with an example of the page: members, types, and the form of moments and UUIDs."""

from __future__ import annotations

import re
import uuid

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def assert_shaped_like(example, answer, path="$"):
    """Every member of the example is there, of the same type and, for moments and UUIDs, form."""
    if isinstance(example, dict):
        assert isinstance(answer, dict), path
        for name, value in example.items():
            assert name in answer, f"{path}.{name}"
            assert_shaped_like(value, answer[name], f"{path}.{name}")
    elif isinstance(example, list):
        assert isinstance(answer, list), path
        assert answer, path
        for item in answer:
            assert_shaped_like(example[0], item, path)
    elif isinstance(example, str) and MOMENT.fullmatch(example):
        assert MOMENT.fullmatch(answer), path
    elif isinstance(example, str) and path.endswith(".guid"):
        assert str(uuid.UUID(answer)) == answer
    elif example is None:
        assert answer is None or isinstance(answer, str), path
    else:
        assert type(answer) is type(example), path
