"""What the OpenAPI document says of keys."""

from __future__ import annotations

from core.openapi import Operation
from core.schemas import (
    BOOLEAN,
    COUNT,
    ID,
    MOMENT,
    STRING,
    a_list,
    an_answer,
    an_object,
    one_of,
    or_null,
    titled,
)
from keys.scopes import SCOPES
from keys.serializers import KeyChanges, KeyRotation, NewKey

_TOLD_ALWAYS = {
    "id": ID,
    "prefix": STRING,
    "name": or_null(STRING),
    "scopes": or_null(a_list(one_of(SCOPES))),
    "created_at": MOMENT,
}
KEY = titled(
    "Key",
    an_object(
        **_TOLD_ALWAYS,
        is_active=BOOLEAN,
        last_used_at=or_null(MOMENT),
        expires_at=or_null(MOMENT),
        revoked_at=or_null(MOMENT),
    ),
)
ISSUED_KEY = titled("IssuedKey", an_object(**_TOLD_ALWAYS, key=STRING))
_ISSUED = an_answer(api_key=ISSUED_KEY, warning=STRING)

KEY_LIST_OPERATIONS = {
    "GET": Operation("List the keys", {200: an_answer(api_keys=a_list(KEY), count=COUNT)}),
    "POST": Operation(
        "Create a key: without one in the header for a new account, else for the same account",
        {201: _ISSUED},
        body=NewKey,
        access="either",
    ),
}
KEY_OPERATIONS = {
    "GET": Operation("Read a key", {200: an_answer(api_key=KEY)}),
    "PATCH": Operation(
        "Rename a key or move its end",
        {200: an_answer(api_key=KEY)},
        body=KeyChanges,
        refusals=(409,),
    ),
    "DELETE": Operation("Revoke a key", {204: None}, refusals=(409,)),
}
ROTATION_OPERATIONS = {
    "POST": Operation("Replace a key", {201: _ISSUED}, body=KeyRotation),
}
