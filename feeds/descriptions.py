"""What the OpenAPI document says of feeds."""

from __future__ import annotations

from core.openapi import Operation
from core.schemas import COUNT, ID, STRING

FEED_OPERATIONS = {
    "GET": Operation(
        "The RSS feed of a public show; long ones go on under ?page=2",
        {200: STRING},
        query={"page": COUNT},
        access="public",
        media_type="application/rss+xml",
    )
}
FEED_PARAMETERS = {"show_id": ID}
