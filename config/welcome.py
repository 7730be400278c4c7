"""The text that `manage.py up` prints: where it runs, how to sign in, and what to type first."""

from __future__ import annotations

import json

from config.operator import ADMIN_NAME, FirstSecrets
from keys.quickstart import quickstart

KEY_PLACEHOLDER = "YOUR_API_KEY"
NARRATION = {
    "source_type": "text",
    "title": "Hello",
    "text": (
        "Hello from Podwright. This text is read aloud by the voice that is built in, and becomes an"
        " episode in your private feed. Replace it by anything of a hundred characters or more."
    ),
}


def welcome(*, base_url: str, made: FirstSecrets) -> str:
    """What the operator needs to know; secrets appear only in the start that made them."""
    key = made.api_key or KEY_PLACEHOLDER
    return "\n".join(
        [
            "",
            f"  Podwright        {base_url}",
            f"  API key          {_key_line(made)}",
            f"  Admin            {base_url}/admin/   {_admin_line(made)}",
            "",
            *(line for step in quickstart(secret=key).values() for line in _step(step)),
            "  Have a text read aloud into your private feed.",
            _narration(base_url, key),
            "",
            "  Get the address of that feed.",
            f"curl {base_url}/api/v1/feed -H 'Authorization: Bearer {key}'",
            "",
            "",
        ]
    )


def _step(step: dict[str, str]) -> list[str]:
    return [f"  {step['description']}", step["curl"], ""]


def _narration(base_url: str, key: str) -> str:
    return (
        f"curl -X POST {base_url}/api/v1/episodes -H 'Authorization: Bearer {key}'"
        f" -H 'Content-Type: application/json' -d '{json.dumps(NARRATION)}'"
    )


def _key_line(made: FirstSecrets) -> str:
    if made.api_key:
        return f"{made.api_key}   (shown only now; full access, no plan limits)"
    return "shown at the first start; make another with: manage.py issue_key"


def _admin_line(made: FirstSecrets) -> str:
    if made.admin_password:
        return f"user {ADMIN_NAME}, password {made.admin_password}   (shown only now)"
    return f"user {ADMIN_NAME}; a new password with: manage.py changepassword {ADMIN_NAME}"
