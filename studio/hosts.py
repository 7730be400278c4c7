"""Hosts: the personas of an account, and the default ones that stand for the local voices."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import Account
from core.errors import Invalid, NotFound
from production.voices.base import Voice, primary_language
from production.voices.registry import voice_catalog
from studio.models import HOST_ID_LENGTH, Host

UPDATABLE = ("name", "title", "backstory", "personality", "voice", "voice_model")
MAX_HOSTS = 4
#: A speech server lists voices by the dozen: that many of them get a host of their own.
DEFAULT_HOSTS = 4
_ID = re.compile(rf"[A-Za-z0-9]{{{HOST_ID_LENGTH}}}", re.ASCII)
_BACKSTORY = {
    "female": "A curious host who asks what listeners would ask, and likes a clear example.",
    "male": "A calm host who tells things in their order, and says where they come from.",
}
_PLAIN_BACKSTORY = "A friendly host who explains one thing after another in plain words."


class HostNotFound(NotFound):
    """No such host in this account, or it is archived."""

    code = "host_not_found"


class HostsUnknown(Invalid):
    """A request names hosts that are not there, none, or too many."""

    code = "hosts_unknown"


class HostForOtherLanguage(Invalid):
    """A host's voice cannot read the language that is asked for."""

    code = "host_for_other_language"


def list_hosts(*, account: Account, now: datetime) -> QuerySet[Host]:
    """The account's hosts, after the default ones for voices that are new here have been made."""
    ensure_default_hosts(account=account, now=now)
    return Host.objects.listed(account, voices=[voice.id for voice in voice_catalog().voices()])


def ensure_default_hosts(*, account: Account, now: datetime) -> None:
    """Make a host for each local voice that never had one; safe to call at once from everywhere."""
    voices = voice_catalog().voices()[:DEFAULT_HOSTS]
    made = Host.objects.filter(account=account, made_for_voice__isnull=False)
    there = set(made.values_list("made_for_voice", flat=True))
    missing = [voice for voice in voices if voice.id not in there]
    if missing:
        Host.objects.bulk_create(
            [_default_host(account, voice, now=now) for voice in reversed(missing)],
            # Of two first calls one makes each host.
            ignore_conflicts=True,
        )


def get_host(*, account: Account, host_id: str) -> Host:
    """The one door to a host. Raises `HostNotFound`."""
    host = None
    if _ID.fullmatch(host_id):
        host = Host.objects.usable(account).filter(public_id=host_id).first()
    if host is None:
        raise HostNotFound("Host not found")
    return host


def create_host(*, account: Account, fields: Mapping[str, object], now: datetime) -> Host:
    """Create a host from validated fields."""
    return Host.objects.create(account=account, created_at=now, updated_at=now, **fields)


def update_host(
    *, account: Account, host_id: str, changes: Mapping[str, object], now: datetime
) -> Host:
    """Change the given fields; an empty change changes nothing. Raises `HostNotFound`."""
    wanted = {name: value for name, value in changes.items() if name in UPDATABLE}
    with transaction.atomic(durable=True):
        get_host(account=account, host_id=host_id)
        host = Host.objects.select_for_update().get(public_id=host_id)
        for name, value in wanted.items():
            setattr(host, name, value)
        host.updated_at = now
        host.save(update_fields=[*wanted, "updated_at"])
    return host


def archive_host(*, account: Account, host_id: str, now: datetime) -> None:
    """Take a host out of lists and new work; what names it keeps it. Raises `HostNotFound`."""
    archived = 0
    if _ID.fullmatch(host_id):
        found = Host.objects.usable(account).filter(public_id=host_id)
        archived = found.update(archived_at=now, updated_at=now)
    if not archived:
        raise HostNotFound("Host not found")


def require_hosts(*, account: Account, host_ids: Sequence[str]) -> list[Host]:
    """The hosts that a request names, in its order. Raises `HostsUnknown`."""
    wanted = list(dict.fromkeys(host_ids))
    if not 1 <= len(wanted) <= MAX_HOSTS:
        raise HostsUnknown(f"host_ids: name 1 to {MAX_HOSTS} hosts.", field="host_ids")
    found = Host.objects.usable(account).filter(
        public_id__in=[one for one in wanted if _ID.fullmatch(one)]
    )
    by_id = {host.public_id: host for host in found}
    unknown = [host_id for host_id in wanted if host_id not in by_id]
    if unknown:
        raise HostsUnknown(
            f'host_ids: there is no host "{unknown[0][:50]}"; GET /v1/hosts lists them.',
            field="host_ids",
        )
    return [by_id[host_id] for host_id in wanted]


def require_language(hosts: Sequence[Host], *, language: str) -> None:
    """Raises `HostForOtherLanguage` for the first host whose voice does not speak `language`."""
    catalog = voice_catalog()
    voices = {voice.id: voice for voice in catalog.voices()}
    for host in hosts:
        voice = voices.get(host.voice)
        if voice is not None and not voice.speaks(language):
            raise HostForOtherLanguage(
                f"host_ids: the voice of {host.name} does not speak {primary_language(language)!r}; "
                f"voices on offer speak {', '.join(catalog.languages())}.",
                field="host_ids",
            )


def hosts_in_order(host_ids: Sequence[str]) -> list[Host]:
    """The hosts of stored ids, archived ones too."""
    by_id = {host.public_id: host for host in Host.objects.filter(public_id__in=host_ids)}
    return [by_id[host_id] for host_id in host_ids if host_id in by_id]


def _default_host(account: Account, voice: Voice, *, now: datetime) -> Host:
    return Host(
        account=account,
        name=voice.name[:100],
        title="Host",
        backstory=_BACKSTORY.get(voice.gender, _PLAIN_BACKSTORY),
        voice=voice.id,
        made_for_voice=voice.id,
        created_at=now,
        updated_at=now,
    )
