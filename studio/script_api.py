"""Calls beyond the contract, under its addresses: scripts, cancel, retry, import."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from episodes.models import Episode
from keys.caller import account_of
from keys.scopes import EPISODES_READ, EPISODES_WRITE
from production.measuring import Estimate
from studio.bodies import ScriptImport, ScriptShape
from studio.descriptions import (
    CANCEL_OPERATIONS,
    IMPORT_OPERATIONS,
    RETRY_OPERATIONS,
    SCRIPT_ESTIMATE_OPERATIONS,
    SCRIPT_OPERATIONS,
)
from studio.episodes import generation_of, get_episode
from studio.generating import cancel_generation, options_from, retry_generation
from studio.importing import parse_script
from studio.making import sources_in_order
from studio.material import materials_of
from studio.models import Generation
from studio.scripts import draft_of, estimate_script, import_script, replace_script
from studio.serializers import episode_object
from studio.views import JellypodView
from studio.writers.base import Draft, DraftChapter, Turn


class ScriptView(JellypodView):
    """Reads the script, and makes the episode anew from a changed one."""

    required_scopes = {"GET": EPISODES_READ, "PUT": EPISODES_WRITE}
    operations = SCRIPT_OPERATIONS

    def get(self, request: Request, episode_id: UUID) -> Response:
        """Chapters and segments, each with the passages that it rests on."""
        episode = get_episode(account=account_of(request), episode_id=episode_id)
        return Response({"data": script_object(episode, draft_of(episode))})

    def put(self, request: Request, episode_id: UUID) -> Response:
        """202; sentences that were spoken before are not spoken again."""
        account = account_of(request)
        episode = get_episode(account=account, episode_id=episode_id)
        draft = _draft(self.body_of(ScriptShape), episode)
        planned = estimate_script(account=account, episode_id=episode_id, draft=draft)
        changed = replace_script(
            account=account, episode_id=episode_id, draft=draft, now=timezone.now()
        )
        body = {
            "status": "accepted",
            "data": episode_object(changed),
            "estimate": estimate_object(planned),
        }
        return Response(body, status=status.HTTP_202_ACCEPTED)


class ScriptEstimateView(JellypodView):
    """What a changed script would cost, without changing anything."""

    required_scopes = {"POST": EPISODES_READ}
    operations = SCRIPT_ESTIMATE_OPERATIONS

    def post(self, request: Request, episode_id: UUID) -> Response:
        """Sentences in all, sentences to be spoken anew, and about how long it will be."""
        account = account_of(request)
        episode = get_episode(account=account, episode_id=episode_id)
        draft = _draft(self.body_of(ScriptShape), episode)
        found = estimate_script(account=account, episode_id=episode_id, draft=draft)
        return Response({"data": estimate_object(found)})


class ScriptImportView(JellypodView):
    """Makes an episode of a script with speakers' names in brackets."""

    required_scopes = {"POST": EPISODES_WRITE}
    operations = IMPORT_OPERATIONS

    def post(self, request: Request) -> Response:
        """202 with the episode, and the hosts that were made for unknown names."""
        wanted = self.body_of(ScriptImport)
        made = import_script(
            account=account_of(request),
            podcast_id=wanted["podcast_id"],
            imported=parse_script(wanted["script"]),
            title=wanted["title"],
            options=options_from(wanted.get("options") or {}),
            now=timezone.now(),
        )
        body = {
            "status": "accepted",
            "data": {**episode_object(made.episode), "magic_created_host_ids": made.new_host_ids},
        }
        return Response(body, status=status.HTTP_202_ACCEPTED)


class CancelView(JellypodView):
    """Ends a generation."""

    required_scopes = {"POST": EPISODES_WRITE}
    operations = CANCEL_OPERATIONS

    def post(self, request: Request, episode_id: UUID) -> Response:
        """The episode, failed with the reason that it was cancelled."""
        episode = cancel_generation(
            account=account_of(request), episode_id=episode_id, now=timezone.now()
        )
        return Response({"data": episode_object(episode)})


class RetryView(JellypodView):
    """Tries a failed generation again."""

    required_scopes = {"POST": EPISODES_WRITE}
    operations = RETRY_OPERATIONS

    def post(self, request: Request, episode_id: UUID) -> Response:
        """202 with the episode."""
        episode = retry_generation(
            account=account_of(request), episode_id=episode_id, now=timezone.now()
        )
        body = {"status": "accepted", "data": episode_object(episode)}
        return Response(body, status=status.HTTP_202_ACCEPTED)


def script_object(episode: Episode, draft: Draft) -> dict[str, object]:
    """The script with the text of the passages that each segment rests on."""
    generation: Generation = generation_of(episode)  # type: ignore[assignment] # it has a draft
    materials = materials_of(sources_in_order(generation), prompt=generation.prompt)
    passages = {
        passage.id: {"source_id": material.source_id or None, "text": passage.text}
        for material in materials
        for passage in material.passages
    }
    return {
        "episode_id": str(episode.uuid),
        "language": generation.language,
        "writer": generation.writer,
        "model": generation.model or None,
        "measured_duration": generation.measured_seconds,
        "grounding": generation.grounding,
        "chapters": [
            {
                "title": chapter.title or None,
                "segments": [
                    {
                        "host_id": turn.host,
                        "text": turn.text,
                        "passages": [passages[one] for one in turn.passages if one in passages],
                    }
                    for turn in chapter.turns
                ],
            }
            for chapter in draft.chapters
        ],
    }


def estimate_object(found: Estimate) -> dict[str, object]:
    """The estimate; durations in seconds."""
    return {
        "sentences": found.sentences,
        "sentences_to_render": found.to_render,
        "characters_to_render": found.characters_to_render,
        "duration": round(found.seconds, 1),
    }


def _draft(wanted: dict[str, Any], episode: Episode) -> Draft:
    """The body as a draft; segments that did not change keep their passages."""
    earlier: dict[tuple[str, str], tuple[str, ...]] = {}
    generation = generation_of(episode)
    if generation is not None and generation.draft:
        for chapter in Draft.model_validate(generation.draft).chapters:
            for turn in chapter.turns:
                earlier[turn.host, turn.text] = turn.passages
    return Draft(
        title=episode.title,
        description="",
        chapters=tuple(
            DraftChapter(
                title=chapter.get("title") or "",
                turns=tuple(
                    Turn(
                        host=segment["host_id"],
                        text=segment["text"],
                        passages=earlier.get((segment["host_id"], segment["text"]), ()),
                    )
                    for segment in chapter["segments"]
                ),
            )
            for chapter in wanted["chapters"]
        ),
    )
