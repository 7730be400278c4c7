"""Tests of what the counter remembers of agents: bounded, whatever they call themselves."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from analytics import naming
from analytics.agents import Naming
from analytics.models import Agent

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)


def test_made_up_agents_and_pages_push_each_other_out_and_are_judged_all_the_same(monkeypatch):
    monkeypatch.setattr(naming, "_MOST", 20)
    namer = naming.Namer(Naming())
    asked = [[f"AntennaPod/3.{batch}.{number}" for number in range(10)] for batch in range(5)]

    for agents in [*asked, asked[0]]:
        verdicts = namer.verdicts(agents, now=NOON)
        pages = namer.web_apps([f"{agent}.example" for agent in agents], now=NOON)

        assert {verdicts[agent].facts.app for agent in agents} == {"AntennaPod"}
        assert len(verdicts) <= 30
        assert len(pages) <= 30
    assert Agent.objects.count() == 50
