"""Scripts as owners read, write and send them: get, estimate, put, import."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.models import Account
from billing.services import lock_quota, use_episode
from core.errors import NotFound
from episodes.locking import lock_episode
from episodes.models import Episode
from production.measuring import Estimate, estimate
from production.rendering import Renderer
from production.running import renderers
from production.voices.registry import voice_catalog
from studio.episodes import WrongStatus, generation_of, get_episode
from studio.generating import (
    Options,
    add_generation,
    locked_show,
    note_request,
    requeue,
)
from studio.hosts import create_host, hosts_in_order, require_hosts
from studio.importing import ImportedScript
from studio.limits import require_room
from studio.making import OWNER
from studio.models import Generation, Host
from studio.podcasts import get_podcast
from studio.scripting import script_of
from studio.states import UNDER_WAY
from studio.writers.base import CHARACTERS_PER_SECOND, Draft

_BACKSTORY = "Speaks in a script that was imported."


class ScriptMissing(NotFound):
    """The episode has no script: it is still to be written, or its audio came from outside."""

    code = "script_missing"


@dataclass(frozen=True, slots=True)
class Imported:
    """An episode from a script that was sent, and the hosts that had to be made for it."""

    episode: Episode
    new_host_ids: list[str]


def draft_of(episode: Episode) -> Draft:
    """The episode's script. Raises `ScriptMissing`."""
    generation = generation_of(episode)
    if generation is None or not generation.draft:
        raise ScriptMissing("The episode has no script yet.")
    return Draft.model_validate(generation.draft)


def estimate_script(*, account: Account, episode_id: uuid.UUID, draft: Draft) -> Estimate:
    """What producing the script would take. Raises `EpisodeNotFound`, `HostsUnknown`, `ScriptInvalid`."""
    episode = get_episode(account=account, episode_id=episode_id)
    generation = _generation(episode)
    hosts = _hosts(account, draft, generation)
    script = script_of(
        draft,
        hosts={host.public_id: host for host in hosts},
        language=generation.language,
        disclose_aloud=generation.disclose_aloud,
    )
    return estimate(script, renderer=Renderer(catalog=voice_catalog(), pool=renderers()))


def replace_script(
    *, account: Account, episode_id: uuid.UUID, draft: Draft, now: datetime
) -> Episode:
    """Make the episode's audio from another script; only sentences that are new are spoken.

    What is public stays so until the new audio is there. Raises `EpisodeNotFound`, `WrongStatus`,
    `HostsUnknown`, `ScriptInvalid`, and the refusals of `limits.require_room`.
    """
    episode = get_episode(account=account, episode_id=episode_id)
    generation = _generation(episode)
    hosts = _hosts(account, draft, generation)
    script_of(draft, hosts={host.public_id: host for host in hosts}, language=generation.language)
    with transaction.atomic(durable=True):
        lock_quota(account)
        lock_episode(episode_id=episode.pk)
        free = Generation.objects.filter(pk=generation.pk).exclude(state__in=UNDER_WAY)
        if not free.exists():
            raise WrongStatus("The episode is being generated; cancel that first.")
        # What has been charged for the episode stays charged, and nothing is charged twice.
        require_room(account=account, episodes=1, now=now, is_charged=episode.asset is not None)
        note_request(account, episodes=1, now=now)
        use_episode(account=account, reference=str(episode.guid), now=now)
        free.update(
            draft=draft.model_dump(mode="json"),
            host_ids=[host.public_id for host in hosts],
            writer=OWNER,
            model="",
            measured_seconds=None,
        )
        requeue(episode, now=now)
    return get_episode(account=account, episode_id=episode_id)


def import_script(
    *,
    account: Account,
    podcast_id: uuid.UUID,
    imported: ImportedScript,
    title: str,
    options: Options,
    now: datetime,
) -> Imported:
    """Make an episode of a script with speakers' names; names that no host has get one.

    Raises `PodcastNotFound`, `ScriptInvalid`, and the refusals of `limits.require_room`.
    """
    podcast = get_podcast(account=account, podcast_id=podcast_id)
    with transaction.atomic(durable=True):
        lock_quota(account)
        require_room(account=account, episodes=1, now=now)
        show = locked_show(account=account, show_id=podcast.show_id)
        by_name, made = _cast(account, imported, podcast.host_ids, now=now)
        draft = imported.draft({name: host.public_id for name, host in by_name.items()}, title)
        hosts = list({host.public_id: host for host in by_name.values()}.values())
        script_of(draft, hosts={host.public_id: host for host in hosts}, language=show.language)
        note_request(account, episodes=1, now=now)
        generation = add_generation(
            account=account,
            show=show,
            title=title,
            fields={
                "host_ids": [host.public_id for host in hosts],
                "language": show.language,
                "keep_title": True,
                "writer": OWNER,
                "draft": draft.model_dump(mode="json"),
            },
            options=Options(
                seconds=max(1, round(draft.characters / CHARACTERS_PER_SECOND)),
                disclose_in_notes=options.disclose_in_notes,
                disclose_aloud=options.disclose_aloud,
            ),
            sources=[],
            now=now,
        )
    return Imported(
        get_episode(account=account, episode_id=generation.episode.uuid),
        [host.public_id for host in made],
    )


def _generation(episode: Episode) -> Generation:
    generation = generation_of(episode)
    if generation is None:
        raise WrongStatus("The episode's audio came from outside; it has no script to change.")
    return generation


def _hosts(account: Account, draft: Draft, generation: Generation) -> list[Host]:
    """The hosts that speak: any of the account's, and those the episode had, archived or not."""
    wanted = list(dict.fromkeys(turn.host for chapter in draft.chapters for turn in chapter.turns))
    earlier = {host.public_id: host for host in hosts_in_order(generation.host_ids)}
    others = [host_id for host_id in wanted if host_id not in earlier]
    found = earlier | {
        host.public_id: host
        for host in (require_hosts(account=account, host_ids=others) if others else [])
    }
    return [found[host_id] for host_id in wanted]


def _cast(
    account: Account, imported: ImportedScript, host_ids: Sequence[str], *, now: datetime
) -> tuple[dict[str, Host], list[Host]]:
    """A host for each name of the script, the podcast's own first; and those that were made."""
    own = hosts_in_order(host_ids)
    others = Host.objects.usable(account).exclude(public_id__in=host_ids).order_by("-pk")
    known: dict[str, Host] = {}
    for host in [*own, *others]:
        known.setdefault(host.name.casefold(), host)
    taken = {known[name.casefold()].voice for name in imported.names if name.casefold() in known}
    voices = [voice.id for voice in voice_catalog().voices()]
    free = [voice for voice in voices if voice not in taken] or voices
    made: list[Host] = []
    for name in imported.names:
        if name.casefold() not in known:
            fields = {"name": name, "backstory": _BACKSTORY, "voice": free[len(made) % len(free)]}
            made.append(create_host(account=account, fields=fields, now=now))
            known[name.casefold()] = made[-1]
    return {name: known[name.casefold()] for name in imported.names}, made
