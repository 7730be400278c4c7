"""Lets Stripe's SDK speak through our one outbound HTTP client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import stripe

from core.errors import PodwrightError
from core.http import fetch

TIMEOUT_SECONDS = 20.0
_MAX_ANSWER_BYTES = 4_000_000


class OutboundClient(stripe.HTTPClient):
    """One guarded request per call, with one deadline and a cap on the answer."""

    name = "podwright"

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        **_: Any,
    ) -> tuple[str, int, Mapping[str, str]]:
        """Body, status and headers; raises `stripe.APIConnectionError` when there is no answer."""
        content = post_data.encode() if isinstance(post_data, str) else post_data
        try:
            answer = fetch(
                url,
                max_bytes=_MAX_ANSWER_BYTES,
                timeout=TIMEOUT_SECONDS,
                method=method.upper(),
                headers=headers,
                content=content,
                follow_redirects=False,
                expect_success=False,
            )
        except PodwrightError as error:
            # Without types in the SDK.
            failure = stripe.APIConnectionError(error.message, should_retry=True)  # type: ignore[no-untyped-call]
            raise failure from error
        return answer.body.decode("utf-8", "replace"), answer.status, answer.headers

    def close(self) -> None:
        """Nothing is kept open."""
