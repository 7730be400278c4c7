"""What the OpenAPI document says of the address at which plays are counted, and of the numbers."""

from __future__ import annotations

from core.openapi import Operation
from core.schemas import (
    BOOLEAN,
    COUNT,
    ID,
    MOMENT,
    STRING,
    URL,
    UUID,
    Schema,
    a_list,
    an_answer,
    an_object,
    one_of,
    or_null,
)

DATE: Schema = {"type": "string", "format": "date"}
NUMBER: Schema = {"type": "number", "minimum": 0}

TRACK_OPERATIONS = {
    "GET": Operation("Count a play and go on to the audio", {302: None}, access="public"),
}
TRACK_PARAMETERS: dict[str, Schema] = {
    "episode": {
        "type": "string",
        "pattern": r"^([0-9]{1,19}|ep_[A-Za-z0-9]{1,29})(\.[a-z0-9]{1,5})?$",
    }
}

_SERIES = a_list(an_object(date=DATE, downloads=COUNT))
_PAGINATION = an_object(page=COUNT, limit=COUNT, total=COUNT, pages=COUNT)
_STANDING: dict[str, Schema] = {
    "plan_tier": STRING,
    "as_of": or_null(MOMENT),
    "open_from": DATE,
    "evidence": one_of(["delivered", "requested", "mixed", "none"]),
}
_WHEN: dict[str, Schema] = {"from": STRING, "to": STRING}
_PAGED: dict[str, Schema] = {"page": COUNT, "limit": COUNT}
_FORMAT: dict[str, Schema] = {"format": one_of(["json", "csv"])}
_CSV: dict[str, Schema] = {"text/csv": STRING}
_INTERVAL: dict[str, Schema] = {"from": MOMENT, "to": MOMENT, "first_day": DATE, "last_day": DATE}
#: What Sandbox does not show is absent, so only the rest is required.
_TITLED = an_object(id=ID, title=STRING)

SHOW_OPERATIONS = {
    "GET": Operation(
        "Read the downloads of a show",
        {
            200: an_answer(
                show=_TITLED,
                analytics=an_object(
                    summary=an_object(
                        total_episodes=COUNT,
                        downloads_all_time=COUNT,
                        downloads_last_30d=COUNT,
                        avg_downloads_per_episode=NUMBER,
                    ),
                    **_STANDING,
                ),
            )
        },
        query=_FORMAT,
        other_forms=_CSV,
    ),
}
EPISODE_OPERATIONS = {
    "GET": Operation(
        "Read the downloads of an episode",
        {
            200: an_answer(
                episode=an_object(id=ID, title=STRING, published_at=or_null(MOMENT), show=_TITLED),
                analytics=an_object(summary=an_object(total_downloads=COUNT), **_STANDING),
            )
        },
        query={**_PAGED, **_FORMAT},
        other_forms=_CSV,
    ),
}
DOWNLOADS_OPERATIONS = {
    "GET": Operation(
        "Read the downloads of all shows by day, week or month",
        {
            200: an_answer(
                analytics=an_object(
                    period=one_of(["day", "week", "month"]),
                    total_downloads=COUNT,
                    time_series=an_object(
                        data=a_list(an_object(period_start=MOMENT, downloads=COUNT)),
                        pagination=_PAGINATION,
                    ),
                    **_INTERVAL,
                    **_STANDING,
                )
            )
        },
        query={**_WHEN, "period": one_of(["day", "week", "month"]), **_PAGED, **_FORMAT},
        other_forms=_CSV,
    ),
}
LISTENERS_OPERATIONS = {
    "GET": Operation(
        "Read how many listeners all shows have, and with which apps",
        {
            200: an_answer(
                analytics=an_object(
                    summary=an_object(
                        unique_listeners_estimate=COUNT, total_downloads=COUNT, note=STRING
                    ),
                    **_INTERVAL,
                    **_STANDING,
                )
            )
        },
        query={**_WHEN, **_FORMAT},
        other_forms=_CSV,
    ),
}
FUNNEL_OPERATIONS = {
    "GET": Operation(
        "Read the way from hits to downloads of an episode and day",
        {
            200: an_answer(
                funnel=an_object(episode_id=ID, date=DATE, steps={"type": "object"}),
            )
        },
        query={"date": STRING},
    ),
}
METHOD_OPERATIONS = {
    "GET": Operation(
        "Read how downloads are counted here", {200: an_answer(method={"type": "object"})}
    ),
}
OP3_OPERATIONS = {
    "GET": Operation(
        "Read the downloads that OP3 counted",
        {
            200: an_answer(
                show=an_object(id=ID, title=STRING, slug=STRING),
                op3=an_object(
                    podcast_guid=UUID,
                    op3_url=URL,
                    period_days=COUNT,
                    total_downloads=COUNT,
                    episodes=a_list(an_object(episode_guid=STRING, title=STRING, downloads=COUNT)),
                    source=one_of(["op3", "local"]),
                    found=BOOLEAN,
                    truncated=BOOLEAN,
                    is_stale=BOOLEAN,
                    as_of=or_null(MOMENT),
                ),
                own=or_null(
                    an_object(
                        total_downloads=COUNT,
                        difference_percent=NUMBER,
                        in_agreement={"type": "boolean"},
                    )
                ),
            )
        },
        query={"days": COUNT, "limit": COUNT},
        refusals=(502,),
    ),
}
