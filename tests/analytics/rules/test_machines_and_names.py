"""Rules R33 to R48 of contracts/analytics.md: machines left out, apps and countries named."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from django.core.management import CommandError, call_command
from django.db.models import Sum

from analytics.agent_lists import FILES, AgentKind, AgentListUnreadable, parse_list
from analytics.agents import Naming
from analytics.answers import percent_tenths
from analytics.health import counting_health
from analytics.models import Agent, AgentRule, App, Download, FunnelDay, Window
from analytics.naming import load_agent_list
from analytics.watching import busy_addresses
from tests.analytics.hit_making import METHOD, MIDNIGHT, make_hit

NOON = MIDNIGHT + timedelta(hours=12)
OVERCAST = "Overcast/3.0 (+http://overcast.fm/; iOS podcast app)"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/120.0.0.0 Safari/537.36"
)


def reasons():
    rows = FunnelDay.objects.exclude(step="local").values("step").annotate(all=Sum("amount"))
    return dict(rows.values_list("step", "all"))


def opawg(**entries):
    """The six files of a list with the given entries."""
    return {name: json.dumps({"entries": entries.get(name, [])}).encode() for name in FILES}


def test_r33_the_instances_own_list_comes_first(downloads):
    AgentRule.objects.create(pattern="^AntennaPod/", kind=AgentKind.BOT, name="Ours")

    assert downloads(make_hit(NOON)) == 0


def test_r33_a_loaded_list_comes_before_the_built_in_table(downloads):
    files = opawg(apps=[{"name": "Loaded", "pattern": "^AntennaPod/"}])
    load_agent_list(files=files, version="2026-03", now=NOON)

    downloads(make_hit(NOON))

    assert App.objects.get(pk=Download.objects.get().app_id).name == "Loaded"


def test_r33_general_lists_judge_only_what_podcast_lists_do_not_know(downloads):
    import crawleruseragents  # noqa: PLC0415 - the general list that errs here

    assert crawleruseragents.is_crawler("Overcast/1.0 Podcast Sync")
    assert downloads(make_hit(NOON, agent=OVERCAST)) == 1
    assert downloads(make_hit(NOON, agent="SuperBot podcast harvester")) == 1


@pytest.mark.parametrize("agent", ["", " "])
def test_r34_nobody_without_an_agent_counts(downloads, agent):
    assert downloads(make_hit(NOON, agent=agent.strip())) == 0
    assert reasons() == {"no_ua": 1}


@pytest.mark.parametrize(
    ("agent", "reason"),
    [
        ("curl/8.5.0", "bot_library"),
        ("python-requests/2.32", "bot_library"),
        ("okhttp/4.12.0", "bot_library"),
        ("Go-http-client/2.0", "bot_library"),
        ("Lavf/60.3.100", "bot_library"),
        ("Googlebot/2.1 (+http://www.google.com/bot.html)", "bot_ua"),
        ("Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", "bot_ua"),
    ],
)
def test_r35_bots_and_their_libraries_never_count(downloads, agent, reason):
    assert downloads(make_hit(NOON, agent=agent)) == 0
    assert reasons() == {reason: 1}


@pytest.mark.parametrize(
    ("agent", "counts"),
    [
        ("atc/1.0 watchOS/10.3 model/Watch6,2 hwp/t8301 build/21S644", False),
        ("(null)/(null) watchOS/5.3 model/Watch4,2", False),
        ("(null) watchOS/6.1 model/Watch5,4", False),
        ("Overcast/3.0 (+http://overcast.fm/; Apple Watch podcast app) watchOS/10", True),
    ],
)
def test_r36_the_watchs_own_downloads_do_not_count(downloads, agent, counts):
    assert downloads(make_hit(NOON, agent=agent)) == counts


@pytest.mark.parametrize(
    ("agent", "counts"),
    [
        ("Overcast/1.0 Podcast Sync (12 subscribers; feed-id=1; +http://overcast.fm/)", False),
        (OVERCAST, True),
        ("Spotify/1.0", False),
        ("Spotify/8.9.2 iOS/17.4 (iPhone14,5)", True),
        ("iTMS", False),
    ],
)
def test_r37_a_feed_fetcher_is_no_listener_and_its_app_is(downloads, agent, counts):
    assert downloads(make_hit(NOON, agent=agent)) == counts


@pytest.mark.parametrize(
    ("kind", "counts"),
    [("hosting", False), ("vpn", False), ("tor", False), ("safe", True), ("", True)],
)
def test_r38_networks_of_machines_never_count(downloads, kind, counts):
    assert downloads(make_hit(NOON, network_class=kind)) == counts


@pytest.mark.parametrize("relays", [True, False])
def test_r39_relays_count_unless_an_operator_says_no(downloads, relays):
    method = replace(METHOD, relays_count=relays)

    assert downloads(make_hit(NOON, network_class="relay"), method=method) == relays


def test_r40_home_networks_count_and_too_many_are_a_warning(downloads):
    hits = [make_hit(NOON, listener=f"{n}", network_class="local") for n in range(100)]

    assert downloads(*hits) == 100
    assert counting_health(now=NOON).most_are_local


def episodes_of_one_listener(amount, *, at=NOON, **fields):
    return [
        make_hit(at + timedelta(seconds=number), episode_id=number % 2 + 1, **fields)
        for number in range(amount)
    ]


def test_r41_a_listener_of_too_many_episodes_is_a_machine(downloads, caplog):
    method = replace(METHOD, burst_limit=1, burst_flag=1)
    other = make_hit(NOON, listener="ben")

    assert downloads(make_hit(NOON), other, method=method) == 2
    assert downloads(make_hit(NOON + timedelta(hours=1), episode_id=2), method=method) == 1
    assert reasons() == {"eligible": 3, "sessions": 3, "downloads": 1, "burst": 2}
    assert Window.objects.filter(is_burst=True).count() == 2
    assert "listeners_with_many_episodes" in caplog.text


def test_r41_the_limit_can_be_switched_off(downloads):
    method = replace(METHOD, burst_limit=0)

    assert downloads(*episodes_of_one_listener(2), method=method) == 2


def test_r41_shared_addresses_on_the_safe_list_are_exempt(downloads):
    method = replace(METHOD, burst_limit=1, burst_flag=1)
    shared = [
        msgspec.structs.replace(hit, network_class="safe") for hit in episodes_of_one_listener(2)
    ]

    assert downloads(*shared, method=method) == 2


def test_r41_a_busy_address_raises_an_alert_and_excludes_nothing(downloads):
    evening = MIDNIGHT + timedelta(hours=23)
    for number in range(3):
        at = evening + timedelta(hours=number)
        assert (
            downloads(make_hit(at, agent=f"AntennaPod/{number}.0", as_number=64_500)) == number + 1
        )
    now = evening + timedelta(hours=3)

    assert list(busy_addresses(now=now, limit=3)) == []
    (sign,) = busy_addresses(now=now, limit=2)
    assert (sign.amount, sign.usual, sign.subject) == (3, 2, "AS64500")
    assert list(busy_addresses(now=now, limit=0)) == []
    assert Download.objects.count() == 3


@pytest.mark.parametrize(("host", "counts"), [("preloads.example", False), ("x.example", True)])
def test_r42_players_that_load_before_play_do_not_count(downloads, host, counts):
    AgentRule.objects.create(
        pattern=r"^https://preloads\.example/", kind=AgentKind.PRELOADER, name="A player"
    )

    assert downloads(make_hit(NOON, agent=CHROME, referrer_host=host)) == counts


def test_r43_a_new_list_acts_from_now_on(downloads):
    assert downloads(make_hit(NOON)) == 1
    version = Agent.objects.get().list_version
    load_agent_list(
        files=opawg(bots=[{"name": "Bot", "pattern": "AntennaPod"}]), version="9", now=NOON
    )

    assert downloads(make_hit(NOON, listener="ben")) == 1
    assert Agent.objects.get().list_version != version


def test_r44_no_list_stands_in_the_way_of_playing(client, downloads):
    AgentRule.objects.create(pattern=".", kind=AgentKind.BOT, name="Everybody")

    # Nothing is published here, so 404, which no agent changes.
    answers = {
        client.get("/api/track/1.mp3", headers={"User-Agent": agent}).status_code
        for agent in ("curl/8", "AntennaPod/3.4.0", "")
    }
    assert answers == {404}


@pytest.mark.parametrize(
    ("agent", "host", "app"),
    [
        ("Podcasts/1575.1.1 CFNetwork/1240.0.4 Darwin/20.6.0", "", "Apple Podcasts"),
        ("AppleCoreMedia/1.0.0.21E236 (iPhone; U; CPU OS 17_4 like Mac OS X)", "",
         "Unknown Apple app"),
        (CHROME, "open.spotify.com", "Spotify"),
        (CHROME, "", "Chrome"),
        (CHROME, "unknown.example", "Chrome"),
        (OVERCAST, "open.spotify.com", "Overcast"),
    ],
)  # fmt: skip
def test_r45_apps_are_named_by_agent_and_browsers_by_page(downloads, agent, host, app):
    downloads(make_hit(NOON, agent=agent, referrer_host=host))

    assert App.objects.get(pk=Download.objects.get().app_id).name == app


def test_r46_unknown_agents_count_as_other_and_are_listed(downloads):
    assert downloads(make_hit(NOON, agent="Zwitscher 7")) == 1

    assert App.objects.get(pk=Download.objects.get().app_id).name == "Other"
    assert Agent.objects.get(kind=AgentKind.UNKNOWN).user_agent == "Zwitscher 7"


@pytest.mark.parametrize(
    "amounts",
    [
        [2_100, 1_800, 450, 473],
        [1],
        [1, 1, 1],
        [1] * 19 + [2_000],
        [9_995, *[6] * 18, 1],
        [0, 0, 5],
    ],
)
def test_r47_shares_add_up_to_exactly_100(amounts):
    shares = percent_tenths(amounts, sum(amounts))

    assert sum(shares) == 1_000
    assert min(shares) >= 0


def test_r48_a_country_is_all_that_is_kept_of_a_place(downloads):
    downloads(make_hit(NOON, country="CH", as_number=559))

    assert Download.objects.get().country == "CH"
    names = {field.name for field in Download._meta.get_fields()}
    assert not {"city", "latitude", "longitude", "region"} & names


class TestLists:
    def test_are_loaded_by_command_with_version_and_digest(self, tmp_path: Path, capsys):
        for name, content in opawg(libraries=[
            {"name": "curl", "pattern": "^curl/", "category": "bot"},
        ]).items():  # fmt: skip
            (tmp_path / f"{name}.json").write_bytes(content)

        call_command("load_user_agents", tmp_path, "--as-version", "2026-03")

        assert "2026-03" in capsys.readouterr().out
        (tmp_path / "bots.json").write_text("[]")
        with pytest.raises(CommandError, match=r"bots\.json"):
            call_command("load_user_agents", tmp_path)
        (tmp_path / "bots.json").unlink()
        with pytest.raises(CommandError, match="cannot be read"):
            call_command("load_user_agents", tmp_path)

    def test_with_a_pattern_that_is_none_are_refused(self):
        with pytest.raises(AgentListUnreadable, match="apps"):
            parse_list(opawg(apps=[{"name": "A", "pattern": "("}]), version="1")

    def test_take_libraries_of_the_category_bot_for_bots(self):
        made = parse_list(
            opawg(
                libraries=[
                    {"name": "curl", "pattern": "^curl/", "category": "bot"},
                    {"name": "libsoup", "pattern": "^libsoup/"},
                ]
            ),
            version="",
        )

        naming = Naming(loaded=made)
        assert naming.facts("curl/8").kind is AgentKind.BOT_LIBRARY
        assert naming.facts("libsoup/2").kind is AgentKind.LIBRARY
        assert made.version == made.sha256[:12]
