"""Public identifiers: random, prefixed, safe in a URL."""

from __future__ import annotations

import secrets

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def random_text(length: int) -> str:
    """`length` random letters and digits, 5.95 bits each."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def episode_public_id() -> str:
    """`ep_` and 24 characters: 142 bits, so that an episode's address cannot be guessed."""
    return f"ep_{random_text(24)}"


def feed_token() -> str:
    """`podcast_` and 16 hexadecimal digits (64 bits), the form of contracts/podread.md section 1.1."""
    return f"podcast_{secrets.token_hex(8)}"
