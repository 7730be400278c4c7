"""Agents and apps as rows: what the lists say of an agent is asked once and kept."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q

from analytics.agent_lists import AgentEntry, AgentKind, AgentList, parse_list
from analytics.agents import AgentFacts, Naming
from analytics.batches import AgentVerdict
from analytics.eligibility import agent_reason
from analytics.models import Agent, AgentRule, App, LoadedAgentList

_CHUNK = 500
#: Agents and pages that are remembered; anybody can make up more.
_MOST = 20_000


def naming_in_force() -> Naming:
    """The instance's own rules and the newest loaded list."""
    rules = AgentRule.objects.order_by("pk").values_list("name", "kind", "pattern")
    own = tuple(
        AgentEntry(name, AgentKind(kind), pattern)
        for name, kind, pattern in rules
        if _is_valid(pattern)
    )
    text = "\0".join(f"{one.name}\0{one.kind}\0{one.pattern}" for one in own)
    return Naming(
        own=own,
        own_version=hashlib.sha256(text.encode()).hexdigest()[:8] if own else "",
        loaded=_loaded_list(),
    )


def load_agent_list(*, files: dict[str, bytes], version: str, now: datetime) -> LoadedAgentList:
    """Put a list into force from now on; what is counted already stays. Raises `AgentListUnreadable`."""
    parsed = parse_list(files, version=version)
    with transaction.atomic(durable=True):
        return LoadedAgentList.objects.create(
            version=parsed.version,
            sha256=parsed.sha256,
            files={name: content.decode("utf-8", "replace") for name, content in files.items()},
            loaded_at=now,
        )


class Namer:
    """Verdicts on agents, remembered for as long as the lists stay the same."""

    def __init__(self, naming: Naming) -> None:
        self.naming = naming
        self._verdicts: dict[str, AgentVerdict] = {}
        self._apps: dict[str, int] = {}
        self._web_apps: dict[str, int] = {}

    def verdicts(self, agents: Iterable[str], *, now: datetime) -> dict[str, AgentVerdict]:
        """A verdict for each of `agents`; new ones are stored."""
        if len(self._verdicts) > _MOST:
            self._verdicts.clear()
        unknown = [agent for agent in agents if agent not in self._verdicts]
        for start in range(0, len(unknown), _CHUNK):
            self._learn(unknown[start : start + _CHUNK], now=now)
        return self._verdicts

    def web_apps(self, hosts: Iterable[str], *, now: datetime) -> dict[str, int]:
        """The app's id for each host that is a web app; 0 for the others."""
        if len(self._web_apps) > _MOST:
            self._web_apps.clear()
        for host in hosts:
            if host not in self._web_apps:
                name = self.naming.web_app(host) if host else ""
                self._web_apps[host] = self._app_id(name, now=now) if name else 0
        return self._web_apps

    def preloaders(self, hosts: Iterable[str]) -> frozenset[str]:
        """Those of `hosts` whose player loads audio that nobody plays."""
        return frozenset(host for host in hosts if self.naming.preloads(host))

    def _learn(self, agents: list[str], *, now: datetime) -> None:
        digests = {digest_of_agent(agent): agent for agent in agents}
        known = Agent.objects.filter(digest__in=digests).select_related("app")
        current = {row.digest: row for row in known if row.list_version == self.naming.version}
        Agent.objects.filter(pk__in=[row.pk for row in current.values()]).update(last_seen_at=now)
        fresh = []
        for digest, agent in digests.items():
            row = current.get(digest)
            if row is not None:
                facts = AgentFacts(AgentKind(row.kind), row.app.name, row.device, row.is_watch)
                app_id = row.app_id
            else:
                facts = self.naming.facts(agent)
                app_id = self._app_id(facts.app, now=now)
                fresh.append(self._row(digest, agent, facts, app_id, now=now))
            self._verdicts[agent] = AgentVerdict(facts, app_id, agent_reason(facts, agent))
        Agent.objects.bulk_create(
            fresh,
            update_conflicts=True,
            unique_fields=["digest"],
            update_fields=["kind", "app", "device", "is_watch", "list_version", "last_seen_at"],
        )

    def _row(
        self, digest: str, agent: str, facts: AgentFacts, app_id: int, *, now: datetime
    ) -> Agent:
        return Agent(
            digest=digest,
            user_agent=agent.replace("\x00", ""),
            kind=facts.kind.value,
            app_id=app_id,
            device=facts.device,
            is_watch=facts.is_watch,
            list_version=self.naming.version[:100],
            first_seen_at=now,
            last_seen_at=now,
        )

    def _app_id(self, name: str, *, now: datetime) -> int:
        name = name.replace("\x00", "")[:100] or "Other"
        if name not in self._apps:
            self._apps[name] = _stored_app(name, now=now)
        return self._apps[name]


def _stored_app(name: str, *, now: datetime) -> int:
    found = App.objects.filter(name=name).values_list("pk", flat=True).first()
    if found is not None:
        return found
    try:
        # A savepoint, so that the loser of two can look again.
        with transaction.atomic():
            return App.objects.create(name=name, created_at=now).pk
    except IntegrityError:
        return App.objects.get(name=name).pk


def digest_of_agent(agent: str) -> str:
    """What an agent is found by, however long it is."""
    return hashlib.blake2b(agent.encode("utf-8", "replace"), digest_size=16).hexdigest()


def _is_valid(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return False
    return True


def _loaded_list() -> AgentList | None:
    row = LoadedAgentList.objects.filter(~Q(version="")).order_by("-loaded_at", "-pk").first()
    if row is None:
        return None
    files = {name: text.encode() for name, text in row.files.items()}
    return parse_list(files, version=row.version)
