"""What the OpenAPI document says of feeds."""

from __future__ import annotations

from core.openapi import Operation
from core.schemas import BOOLEAN, COUNT, ID, STRING, URL, a_list, an_answer, an_object

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

_DIRECTORY = an_object(status={"const": "ready_to_submit"}, submit_url=URL, instructions=STRING)
GO_LIVE_OPERATIONS = {
    "POST": Operation(
        "Check the show against the directories' rules, and get the links to hand it in",
        {
            200: an_answer(
                status={"const": "live"},
                feed_url=URL,
                validation=an_object(
                    passed=BOOLEAN, checks=a_list(an_object(check=STRING, passed=BOOLEAN))
                ),
                trailer_generated=BOOLEAN,
                distribution=an_object(spotify=_DIRECTORY, apple=_DIRECTORY),
            )
        },
    )
}
TRAILER_OPERATIONS = {
    "GET": Operation(
        "The trailer that going live made for the show",
        {200: STRING, 206: STRING},
        access="public",
        media_type="audio/mpeg",
        refusals=(416,),
    )
}
