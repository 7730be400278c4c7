"""What the OpenAPI document says of shows."""

from __future__ import annotations

from rest_framework import serializers

from core.openapi import Operation
from core.schemas import (
    BOOLEAN,
    COUNT,
    ID,
    MOMENT,
    STRING,
    URL,
    a_list,
    an_answer,
    an_object,
    one_of,
    or_null,
    titled,
)
from shows.serializers import NewShow, ShowChanges

SHOW = titled(
    "Show",
    an_object(
        id=ID,
        slug=STRING,
        title=STRING,
        description=or_null(STRING),
        author=or_null(STRING),
        owner_email=or_null(STRING),
        language=STRING,
        category=or_null(STRING),
        image_url=or_null(URL),
        website_url=or_null(URL),
        explicit=BOOLEAN,
        op3=BOOLEAN,
        episode_count=COUNT,
        feed_url=URL,
        new_feed_url=or_null(URL),
        retired_at=or_null(MOMENT),
        created_at=MOMENT,
        updated_at=MOMENT,
    ),
)


class _OnlyPicture(serializers.Serializer[object]):
    """A form without texts."""


SHOW_LIST_OPERATIONS = {
    "GET": Operation("List the shows", {200: an_answer(shows=a_list(SHOW), count=COUNT)}),
    "POST": Operation(
        "Create a show",
        {201: an_answer(show=SHOW, id=ID, rss_url=URL, feed_url=URL)},
        body=NewShow,
    ),
}
SHOW_OPERATIONS = {
    "GET": Operation("Read a show", {200: an_answer(show=SHOW)}),
    "PATCH": Operation("Change a show", {200: an_answer(show=SHOW)}, body=ShowChanges),
    "DELETE": Operation("Delete a show with its episodes", {204: None}),
}
SHOW_IMAGE_OPERATIONS = {
    "PUT": Operation(
        "Set the cover: a JPEG, PNG or WebP of up to 20 MB, as a form or as the body itself",
        {200: an_answer(show=SHOW)},
        form=_OnlyPicture,
        query={"fit": one_of(["crop"])},
        refusals=(411,),
    ),
    "DELETE": Operation("Take the cover off", {204: None}),
}
RETIREMENT_OPERATIONS = {
    "POST": Operation(
        "End the feed: it answers 410, and apps unsubscribe", {200: an_answer(show=SHOW)}
    ),
    "DELETE": Operation("Take the end of the feed back", {200: an_answer(show=SHOW)}),
}
