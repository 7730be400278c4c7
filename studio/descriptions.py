"""What the OpenAPI document of the Studio says of its calls."""

from __future__ import annotations

from core.openapi import Operation
from core.schemas import (
    COUNT,
    MOMENT,
    STRING,
    URL,
    UUID,
    Schema,
    a_list,
    an_object,
    one_of,
    or_null,
    titled,
)
from studio.bodies import NewGeneratedEpisode, NewSeries, ScriptImport, ScriptShape
from studio.models import Source, StudioPodcast
from studio.paging import DEFAULT_LIMIT, LONGEST_CURSOR, MAX_LIMIT
from studio.serializers import (
    GENDERS,
    PLAN_NAMES,
    VOICE_TYPES,
    EpisodeChanges,
    HostChanges,
    NewFileSource,
    NewHost,
    NewPodcast,
    NewSource,
    PodcastChanges,
    Publishing,
)
from studio.states import EpisodeStatus, SourceState

_NUMBER: Schema = {"type": "number"}
_SECONDS: Schema = {"type": "number", "minimum": 0}
_TEXT_OR_NULL = or_null(STRING)
_TIMES = {"created_at": MOMENT, "updated_at": MOMENT}

ERROR = titled(
    "Error",
    an_object(
        error=an_object(
            code=one_of(
                [
                    "bad_request",
                    "validation_error",
                    "unauthorized",
                    "insufficient_credits",
                    "not_found",
                    "unprocessable_entity",
                    "rate_limited",
                    "concurrent_limit_exceeded",
                    "internal_error",
                ]
            ),
            message={"type": "string", "description": "Names the fault and its mend."},
            request_id={"type": "string", "description": "That of the answer's X-Request-Id."},
            details=a_list(an_object(field=STRING, message=STRING)),
        )
    ),
)
PODCAST = titled(
    "Podcast",
    an_object(
        id=UUID,
        title=STRING,
        description=_TEXT_OR_NULL,
        image_url=or_null(URL),
        host_ids=a_list(STRING),
        languages=a_list(STRING),
        show_order=one_of(StudioPodcast.Order.values),
        show_visibility=one_of(StudioPodcast.Visibility.values),
        url=URL,
        rss_feed_url=URL,
        episode_ids=a_list(UUID),
        **_TIMES,
    ),
)
_LISTED_EPISODE: dict[str, Schema] = {
    "id": UUID,
    "podcast_id": UUID,
    # `ready` stands in the contract's filter alone.
    "status": one_of([one for one in EpisodeStatus.values if one != EpisodeStatus.READY]),
    "title": _TEXT_OR_NULL,
    "description": _TEXT_OR_NULL,
    "image_url": or_null(URL),
    "video_url": or_null(URL),
    "audio_url": or_null(URL),
    "duration": {"type": ["number", "null"], "description": "Seconds."},
    "host_ids": a_list(STRING),
    "source_ids": a_list(UUID),
    **_TIMES,
}
LISTED_EPISODE = titled("ListedEpisode", an_object(**_LISTED_EPISODE))
_FINDINGS = a_list(
    an_object(kind=STRING, text=STRING, sentence=STRING, chapter=COUNT, segment=COUNT)
)
_ONLY_GENERATED: dict[str, Schema] = {
    "language": STRING,
    "writer": _TEXT_OR_NULL,
    "model": _TEXT_OR_NULL,
    "usage": an_object(input_tokens=COUNT, output_tokens=COUNT),
    "target_duration": {"type": "integer", "description": "Seconds."},
    "grounding": {**_FINDINGS, "description": "Statements that stand in no source."},
    "chapters": a_list(an_object(start=_NUMBER, title=STRING)),
}
_WHOLE_EPISODE = an_object(**_LISTED_EPISODE, error_message=_TEXT_OR_NULL)
_EPISODE_PROPERTIES = {
    **_LISTED_EPISODE,
    "error_message": _TEXT_OR_NULL,
    # There while it is being generated.
    "generation": an_object(
        phase=one_of(["queued", "script", "voices", "length", "audio"]),
        progress_pct={"type": "integer", "minimum": 0, "maximum": 100},
    ),
    # There for all whose audio did not come from outside.
    **_ONLY_GENERATED,
}
EPISODE = titled("Episode", {**_WHOLE_EPISODE, "properties": _EPISODE_PROPERTIES})
VOICE = titled(
    "Voice",
    an_object(
        id=COUNT,
        name=STRING,
        description=STRING,
        language=STRING,
        gender=one_of(GENDERS),
        accent=STRING,
        voice_type=one_of(VOICE_TYPES),
        preview_url=URL,
    ),
)
HOST = titled(
    "Host",
    an_object(
        id=STRING,
        name=STRING,
        title=_TEXT_OR_NULL,
        backstory=STRING,
        personality=_TEXT_OR_NULL,
        voice_id=COUNT,
        voice_model=STRING,
        voice=or_null(VOICE),
        **_TIMES,
    ),
)
SOURCE = titled(
    "Source",
    an_object(
        id=UUID,
        title=STRING,
        type=one_of(Source.Type.values),
        status=one_of(SourceState.values),
        metadata={
            "type": "object",
            "properties": {"url": STRING, "filename": STRING, "language": STRING},
        },
        error_message=_TEXT_OR_NULL,
        **_TIMES,
    ),
)
_ACCOUNT = an_object(
    organization_id={"type": "string", "pattern": "^org_"},
    plan=one_of(list(PLAN_NAMES.values())),
    credits=an_object(balance=COUNT),
)
_ESTIMATE = titled(
    "Estimate",
    an_object(
        sentences=COUNT, sentences_to_render=COUNT, characters_to_render=COUNT, duration=_SECONDS
    ),
)
_PASSAGE = an_object(source_id=or_null(UUID), text=STRING)
_SCRIPT = titled(
    "Script",
    an_object(
        episode_id=UUID,
        language=STRING,
        writer=STRING,
        model=_TEXT_OR_NULL,
        measured_duration={"type": ["number", "null"], "description": "Seconds of real speech."},
        grounding=_FINDINGS,
        chapters=a_list(
            an_object(
                title=_TEXT_OR_NULL,
                segments=a_list(an_object(host_id=STRING, text=STRING, passages=a_list(_PASSAGE))),
            )
        ),
    ),
)
_WORDS = a_list(an_object(word=STRING, start=_SECONDS, end=_SECONDS, speaker=COUNT))
_TIMESTAMPS: dict[str, Schema] = {
    "episode_id": UUID,
    "speakers": a_list(an_object(host_id=_TEXT_OR_NULL, name=STRING)),
    "word_times": one_of(["exact", "estimated"]),
}
_SEGMENTS = a_list(
    an_object(text=STRING, speaker=COUNT, start=_SECONDS, end=_SECONDS, words=_WORDS)
)
_PAGE: dict[str, Schema] = {
    "cursor": {
        "type": "string",
        "maxLength": LONGEST_CURSOR,
        "description": "`next_cursor` of the page before; left out for the first one.",
    },
    "limit": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
}
#: What generating can lead to beyond the usual: no credits, a wrong state, a writer that fails.
_GENERATING = (402, 422, 500)


def _data(schema: Schema) -> Schema:
    return an_object(data=schema)


def _accepted(schema: Schema, **beside: Schema) -> Schema:
    return an_object(status={"const": "accepted"}, data=schema, **beside)


def _a_page(items: Schema) -> Schema:
    pagination = titled(
        "Pagination",
        an_object(has_more={"type": "boolean"}, next_cursor=_TEXT_OR_NULL),
    )
    return an_object(data=a_list(items), pagination=pagination)


def _with(schema: Schema, **more: Schema) -> Schema:
    """A titled object and some members beside its own."""
    return {"allOf": [schema, an_object(**more)]}


PODCAST_LIST_OPERATIONS = {
    "GET": Operation("List the podcasts, newest first", {200: _a_page(PODCAST)}, query=_PAGE),
    "POST": Operation(
        "Create a podcast without episodes",
        {201: _data(PODCAST)},
        body=NewPodcast,
        refusals=(402,),
    ),
}
PODCAST_OPERATIONS = {
    "GET": Operation("Read a podcast", {200: _data(PODCAST)}),
    "PATCH": Operation("Change a podcast", {200: _data(PODCAST)}, body=PodcastChanges),
    "DELETE": Operation("Delete a podcast with its episodes; work on them ends", {204: None}),
}
_IMAGE_TYPES = ("image/jpeg", "image/png", "image/webp", "application/octet-stream")
PODCAST_IMAGE_OPERATIONS = {
    "PUT": Operation(
        "Set the cover: the bytes of a JPEG, PNG or WebP of up to 10 MB, whatever type is named",
        {200: _data(PODCAST)},
        raw=_IMAGE_TYPES,
    ),
}
EPISODE_IMAGE_OPERATIONS = {
    "PUT": Operation(
        "Set an episode's own cover, as the podcast's",
        {200: _data(an_object(id=UUID, image_url=URL))},
        raw=_IMAGE_TYPES,
    ),
}
GENERATE_SERIES_OPERATIONS = {
    "POST": Operation(
        "Create a podcast, plan it, and generate its episodes from a prompt or sources",
        {
            202: _accepted(
                _with(
                    PODCAST,
                    episodes=a_list(
                        an_object(
                            id=UUID,
                            title=STRING,
                            description=_TEXT_OR_NULL,
                            status={"const": EpisodeStatus.GENERATING.value},
                        )
                    ),
                )
            )
        },
        body=NewSeries,
        refusals=_GENERATING,
    ),
}
GENERATE_EPISODE_OPERATIONS = {
    "POST": Operation(
        "Generate one more episode",
        {
            202: _accepted(
                an_object(
                    id=UUID,
                    podcast_id=UUID,
                    host_ids=a_list(STRING),
                    status={"const": EpisodeStatus.GENERATING.value},
                    **_TIMES,
                )
            )
        },
        body=NewGeneratedEpisode,
        refusals=_GENERATING,
    ),
}
EPISODE_LIST_OPERATIONS = {
    "GET": Operation(
        "List the episodes of all podcasts or one, newest first",
        {200: _a_page(LISTED_EPISODE)},
        query={**_PAGE, "podcast_id": UUID, "status": one_of(EpisodeStatus.values)},
    ),
}
EPISODE_OPERATIONS = {
    "GET": Operation("Read an episode", {200: _data(EPISODE)}),
    "PATCH": Operation("Change an episode", {200: _data(EPISODE)}, body=EpisodeChanges),
    "DELETE": Operation("Delete an episode with its media; work on it ends", {204: None}),
}
PUBLISH_OPERATIONS = {
    "POST": Operation(
        "Publish a draft, now or at a time",
        {200: _data(an_object(id=UUID, status={"const": "publishing"}))},
        body=Publishing,
        refusals=(402,),
    ),
}
UNPUBLISH_OPERATIONS = {
    "POST": Operation("Make a published or scheduled episode a draft", {200: _data(EPISODE)}),
}
TIMESTAMPS_OPERATIONS = {
    "GET": Operation(
        "When each word is heard, as JSON, SubRip or WebVTT",
        {
            200: _data(
                {
                    "oneOf": [
                        an_object(granularity={"const": "word"}, words=_WORDS, **_TIMESTAMPS),
                        an_object(
                            granularity={"const": "segment"}, segments=_SEGMENTS, **_TIMESTAMPS
                        ),
                    ]
                }
            )
        },
        query={
            "format": {**one_of(["json", "srt", "vtt"]), "default": "json"},
            "granularity": {**one_of(["word", "segment"]), "default": "word"},
        },
        other_forms={"application/x-subrip": STRING, "text/vtt": STRING},
    ),
}
SCRIPT_OPERATIONS = {
    "GET": Operation("Read the script and what it rests on", {200: _data(_SCRIPT)}),
    "PUT": Operation(
        "Make the audio from a changed script; only new sentences are spoken",
        {202: _accepted(EPISODE, estimate=_ESTIMATE)},
        body=ScriptShape,
        refusals=(402, 409, 422, 500),
    ),
}
SCRIPT_ESTIMATE_OPERATIONS = {
    "POST": Operation(
        "What a changed script would take; nothing is changed",
        {200: _data(_ESTIMATE)},
        body=ScriptShape,
        refusals=(500,),
    ),
}
IMPORT_OPERATIONS = {
    "POST": Operation(
        "Make an episode of a script with speakers' names in brackets",
        {202: _accepted(_with(EPISODE, magic_created_host_ids=a_list(STRING)))},
        body=ScriptImport,
        refusals=(402, 404),
    ),
}
CANCEL_OPERATIONS = {
    "POST": Operation("End a generation that is under way", {200: _data(EPISODE)}),
}
RETRY_OPERATIONS = {
    "POST": Operation(
        "Generate a failed or cancelled episode again", {202: _accepted(EPISODE)}, refusals=(402,)
    ),
}
HOST_LIST_OPERATIONS = {
    "GET": Operation("List the hosts, newest first", {200: _a_page(HOST)}, query=_PAGE),
    "POST": Operation("Create a host", {201: _data(HOST)}, body=NewHost),
}
HOST_OPERATIONS = {
    "GET": Operation("Read a host", {200: _data(HOST)}),
    "PATCH": Operation("Change a host", {200: _data(HOST)}, body=HostChanges),
    "DELETE": Operation("Archive a host: episodes that it speaks in keep it", {204: None}),
}
VOICE_LIST_OPERATIONS = {
    "GET": Operation(
        "List the voices, the default first, in one page",
        {200: _a_page(VOICE)},
        query={
            **_PAGE,
            "language": STRING,
            "gender": one_of(GENDERS),
            "voice_type": one_of(VOICE_TYPES),
        },
    ),
}
VOICE_OPERATIONS = {"GET": Operation("Read a voice", {200: _data(VOICE)})}
VOICE_PREVIEW_OPERATIONS = {
    "GET": Operation(
        "Hear a voice: an MP3 file that a browser plays without a key",
        {200: STRING, 206: STRING},
        access="public",
        media_type="audio/mpeg",
        refusals=(416, 429),
    )
}
SOURCE_LIST_OPERATIONS = {
    "GET": Operation(
        "List the sources, newest first",
        {200: _a_page(SOURCE)},
        query={
            **_PAGE,
            "type": one_of([*Source.Type.values, "youtube"]),
            "status": one_of(["awaiting_upload", *SourceState.values]),
        },
    ),
    "POST": Operation(
        "Add a web page, a text, or a file of up to 10 MB (PDF, TXT, MD, CSV, DOCX, PPTX)",
        {202: _data(SOURCE)},
        body=NewSource,
        form=NewFileSource,
    ),
}
SOURCE_OPERATIONS = {
    "GET": Operation("Read a source", {200: _data(SOURCE)}),
    "DELETE": Operation("Delete a source; what was made from it stays", {204: None}),
}
ACCOUNT_OPERATIONS = {"GET": Operation("Plan and credits", {200: _data(_ACCOUNT)})}
