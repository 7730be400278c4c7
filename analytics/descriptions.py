"""What the OpenAPI document says of the address at which plays are counted."""

from __future__ import annotations

from core.openapi import Operation
from core.schemas import Schema

TRACK_OPERATIONS = {
    "GET": Operation("Count a play and go on to the audio", {302: None}, access="public"),
}
TRACK_PARAMETERS: dict[str, Schema] = {
    "episode": {
        "type": "string",
        "pattern": r"^([0-9]{1,19}|ep_[A-Za-z0-9]{1,29})(\.[a-z0-9]{1,5})?$",
    }
}
