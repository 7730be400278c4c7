"""Signs deliveries in both ways that receivers verify: PodClaw's header and Standard Webhooks.

One secret `whsec_<base64>` serves both: PodClaw's HMAC is keyed with the whole string as it was
issued, Standard Webhooks' with the bytes that its second part encodes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """`whsec_` and 32 random bytes in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode("ascii")


def podclaw_signature(secret: str, body: bytes) -> str:
    """`sha256=` and 64 lower-case hexadecimal digits (contracts/podclaw.md section 8, A40)."""
    return "sha256=" + hmac.new(secret.encode("ascii"), body, hashlib.sha256).hexdigest()


def standard_signature(secret: str, *, message_id: str, timestamp: int, body: bytes) -> str:
    """`v1,` and a base64 HMAC over id, timestamp and body (standardwebhooks.com, symmetric keys)."""
    key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    signed = b".".join([message_id.encode("ascii"), str(timestamp).encode("ascii"), body])
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode("ascii")


def signed_headers(
    secrets_in_use: Sequence[str], *, message_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """The headers for `body`, sent at `timestamp` (Unix seconds).

    After a rotation the previous secret signs too: Standard Webhooks lists both signatures in one
    header; PodClaw's holds one only, so the previous secret's is in a header of its own.
    """
    present, *previous = secrets_in_use
    headers = {
        "X-PodClaw-Signature": podclaw_signature(present, body),
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(
            standard_signature(secret, message_id=message_id, timestamp=timestamp, body=body)
            for secret in secrets_in_use
        ),
    }
    for secret in previous:
        headers["X-PodClaw-Signature-Previous"] = podclaw_signature(secret, body)
    return headers
