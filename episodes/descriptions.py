"""What the OpenAPI document says of episodes, of uploads and of copies of outside audio."""

from __future__ import annotations

from rest_framework import serializers

from core.openapi import Operation
from core.schemas import (
    BOOLEAN,
    COUNT,
    ID,
    MOMENT,
    PAGE,
    STRING,
    URL,
    UUID,
    a_list,
    an_answer,
    an_object,
    one_of,
    or_null,
    titled,
)
from episodes.models import AudioCopy, Episode
from episodes.serializers import (
    EpisodeChanges,
    NewEpisode,
    NewFlatEpisode,
    UploadedEpisode,
    UploadedFlatEpisode,
)
from episodes.states import Publication

EPISODE = titled(
    "Episode",
    an_object(
        id=ID,
        show_id=ID,
        show_slug=STRING,
        guid=UUID,
        title=STRING,
        description=or_null(STRING),
        status=one_of(Publication.values),
        publish_at=or_null(MOMENT),
        published_at=or_null(MOMENT),
        audio_url=or_null(URL),
        audio_type=STRING,
        audio_length=or_null(COUNT),
        duration_seconds=or_null(COUNT),
        season=or_null(COUNT),
        episode_number=or_null(COUNT),
        episode_type=one_of(Episode.Type.values),
        explicit=BOOLEAN,
        url=URL,
        episode_url=URL,
        created_at=MOMENT,
        updated_at=MOMENT,
    ),
)
AUDIO_COPY = titled(
    "AudioCopy",
    an_object(
        episode_id=ID,
        state=one_of(AudioCopy.State.values),
        source_url=URL,
        attempts=COUNT,
        next_attempt_at=or_null(MOMENT),
        error_code=or_null(STRING),
        error=or_null(STRING),
        requested_at=MOMENT,
        finished_at=or_null(MOMENT),
    ),
)
_CREATED = an_answer(episode=EPISODE, feed_url=URL, message=STRING, id=ID, url=URL, episode_url=URL)
_LISTED = {
    200: an_answer(episodes=a_list(EPISODE), count=COUNT, total=COUNT, limit=COUNT, offset=COUNT)
}
_FILTER = {"status": one_of(Publication.values), **PAGE}


class _OnlyAudio(serializers.Serializer[object]):
    """A form without texts."""


UPLOAD_OPERATIONS = {
    "POST": Operation(
        "Upload audio, up to 200 MB",
        {201: an_answer(url=URL, filename=STRING, size=COUNT, content_type=STRING)},
        form=_OnlyAudio,
        refusals=(411,),
    )
}
PUBLISH_OPERATIONS = {
    "POST": Operation(
        "Create an episode, from the address of its audio or from the audio itself",
        {201: _CREATED},
        body=NewFlatEpisode,
        form=UploadedFlatEpisode,
        refusals=(404, 411),
    )
}
EPISODE_LIST_OPERATIONS = {
    "GET": Operation(
        "List the episodes of a show",
        _LISTED,
        query={"show_id": ID, **_FILTER},
        required_query=("show_id",),
        refusals=(404,),
    )
}
SHOW_EPISODE_LIST_OPERATIONS = {
    "GET": Operation("List the episodes of a show", _LISTED, query=_FILTER),
    "POST": Operation(
        "Create an episode, from the address of its audio or from the audio itself",
        {201: _CREATED},
        body=NewEpisode,
        form=UploadedEpisode,
        refusals=(411,),
    ),
}
EPISODE_OPERATIONS = {
    "GET": Operation("Read an episode", {200: an_answer(episode=EPISODE)}),
    "PATCH": Operation(
        "Change an episode; its guid stays",
        {200: an_answer(episode=EPISODE)},
        body=EpisodeChanges,
        refusals=(409,),
    ),
    "DELETE": Operation("Delete an episode", {204: None}),
}
KEEP_COPY_OPERATIONS = {
    "GET": Operation(
        "Tell how far the copy of the outside audio is", {200: an_answer(copy=AUDIO_COPY)}
    ),
    "POST": Operation(
        "Copy the episode's outside audio into the storage here",
        {202: an_answer(copy=AUDIO_COPY)},
        refusals=(400, 409),
    ),
}
