"""Tests of what the feed document states (contracts/rss.md sections 1.1 to 1.5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import transaction
from lxml import etree

from accounts.models import Account
from billing.models import Subscription
from episodes.models import AudioAsset, Episode
from episodes.schedule import publish_due
from episodes.services import delete_episode, update_episode
from episodes.states import Publication
from shows.models import Show
from shows.services import delete_show, ensure_narration_show, update_show
from tests.factories.published import AUDIO, publish_external, publish_produced

SCHEMA = etree.RelaxNG(etree.parse(Path(__file__).parent / "feed.rng"))


def assert_valid(document):
    assert SCHEMA.validate(document.root), SCHEMA.error_log


@pytest.fixture
def rich_show(owner, show, now):
    return update_show(
        account=owner,
        show_id=show.pk,
        changes={
            "description": "News & <b>views</b>",
            "author": "AI News Bot",
            "owner_email": "owner@example.com",
            "language": "en-us",
            "category": "Fashion & Beauty",
            "image_url": "https://cdn.example.com/cover.jpg?a=1&b=2",
            "website_url": "https://example.com/show",
            "explicit": True,
        },
        now=now,
    )


@pytest.fixture
def private_show(owner, now) -> Show:
    with transaction.atomic():
        return ensure_narration_show(account=owner, now=now)


class TestSchema:
    def test_accepts_an_empty_feed(self, show, read_feed):
        assert_valid(read_feed(show))

    def test_accepts_a_rich_feed(self, owner, rich_show, read_feed, now):
        publish_external(
            owner,
            rich_show,
            now=now,
            description="Notes",
            season=2,
            episode_number=3,
            episode_type="bonus",
            explicit=True,
            duration_seconds=847,
        )
        publish_produced(owner, rich_show, now=now, description="<p>Notes</p>")

        assert_valid(read_feed(rich_show))

    def test_accepts_a_private_feed(self, owner, private_show, read_feed, now):
        publish_produced(owner, private_show, now=now)

        assert_valid(read_feed(f"/feeds/{private_show.feed_token}.xml"))

    @pytest.mark.parametrize(
        ("right", "wrong"),
        [
            (b">no</podcast:locked>", b">maybe</podcast:locked>"),
            (b"<itunes:explicit>false", b"<itunes:explicit>no"),
            (b'isPermaLink="false"', b'isPermaLink="true"'),
            (b'type="audio/mpeg"', b'type="text/html"'),
            (b"+0000</pubDate>", b"GMT</pubDate>"),
        ],
    )
    def test_refuses_what_is_wrong(self, owner, show, read_feed, now, right, wrong):
        publish_external(owner, show, now=now)
        content = read_feed(show).content

        assert right in content
        assert not SCHEMA.validate(etree.fromstring(content.replace(right, wrong)))


class TestDocument:
    def test_begins_with_the_declaration_and_uses_the_literal_prefixes(self, show, read_feed):
        content = read_feed(show).content

        assert content.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<?xml-stylesheet')
        for prefix, address in (
            (b"itunes", b"http://www.itunes.com/dtds/podcast-1.0.dtd"),
            (b"podcast", b"https://podcastindex.org/namespace/1.0"),
            (b"atom", b"http://www.w3.org/2005/Atom"),
            (b"content", b"http://purl.org/rss/1.0/modules/content/"),
            (b"psc", b"http://podlove.org/simple-chapters"),
        ):
            assert b'xmlns:%s="%s"' % (prefix, address) in content

    def test_is_the_same_bytes_when_it_is_made_again(
        self, owner, rich_show, client, now, settings, tmp_path
    ):
        publish_produced(owner, rich_show, now=now, description="<p>Notes</p>")
        first = client.get(f"/api/shows/{rich_show.pk}/feed").content

        settings.DATA_DIR = tmp_path / "another machine"

        assert client.get(f"/api/shows/{rich_show.pk}/feed").content == first


class TestChannel:
    def test_states_the_show(self, rich_show, read_feed):
        feed = read_feed(rich_show)

        assert feed.text("channel/title") == "Daily AI Briefing"
        assert feed.text("channel/description") == "News & views"
        assert feed.text("channel/link") == "https://example.com/show"
        assert feed.text("channel/language") == "en-us"
        assert feed.text("channel/itunes:author") == "AI News Bot"
        assert feed.text("channel/itunes:owner/itunes:name") == "AI News Bot"
        assert feed.text("channel/itunes:owner/itunes:email") == "owner@example.com"
        assert feed.text("channel/itunes:explicit") == "true"
        assert feed.text("channel/itunes:category/@text") == "Arts"
        assert feed.text("channel/itunes:category/itunes:category/@text") == "Fashion & Beauty"
        assert (
            feed.text("channel/itunes:image/@href") == "https://cdn.example.com/cover.jpg?a=1&b=2"
        )
        assert feed.text("channel/image/url") == "https://cdn.example.com/cover.jpg?a=1&b=2"
        assert feed.text("channel/podcast:guid") == str(rich_show.podcast_guid)
        assert feed.text("channel/podcast:txt[@purpose='verify']") == "hosted-by-podclaw"

    def test_has_its_own_address_first(self, show, read_feed):
        feed = read_feed(show)

        (link,) = feed.root.find("channel")[:1]
        assert link.get("rel") == "self"
        assert link.get("href") == f"https://podcasts.example/api/shows/{show.pk}/feed"

    def test_leaves_out_what_the_show_does_not_have(self, show, read_feed):
        feed = read_feed(show)

        assert feed.text("channel/description") == "Daily AI Briefing"
        assert feed.text("channel/link") == "https://podcasts.example/shows/daily-ai-briefing"
        assert feed.text("channel/itunes:explicit") == "false"
        for absent in ("itunes:category", "itunes:image", "image", "itunes:owner/itunes:email"):
            assert feed.texts(f"channel/{absent}") == []

    def test_never_holds_the_address_of_the_account_or_of_who_pays(self, owner, show, read_feed):
        Account.objects.filter(pk=owner.pk).update(email="account@example.com")
        Subscription.objects.filter(account=owner).update(email="payer@example.com")

        assert read_feed(show).texts("channel/itunes:owner/itunes:email") == []
        assert read_feed(show).texts("channel/podcast:locked/@owner") == []

    def test_leaves_out_a_category_that_apple_does_not_know(self, owner, show, read_feed, now):
        update_show(account=owner, show_id=show.pk, changes={"category": "Cats & Co"}, now=now)

        assert read_feed(show).texts("channel/itunes:category") == []

    def test_keeps_the_description_within_4000_bytes(self, owner, show, read_feed, now):
        update_show(account=owner, show_id=show.pk, changes={"description": "é " * 5_000}, now=now)

        description = read_feed(show).text("channel/description")
        assert 3_900 < len(description.encode()) <= 4_000
        assert description.endswith("…")

    def test_dates_itself_by_the_last_real_change(self, owner, show, read_feed, now):
        later = now + timedelta(hours=5)
        publish_external(owner, show, now=later)

        assert read_feed(show).text("channel/lastBuildDate") == "Sat, 14 Mar 2026 17:00:00 +0000"

    def test_hides_a_private_show_from_directories(self, owner, private_show, read_feed, now):
        owner.email = "account@example.com"
        owner.save()
        feed = read_feed(f"/feeds/{private_show.feed_token}.xml")

        assert feed.text("channel/itunes:block") == "Yes"
        assert feed.text("channel/podcast:locked") == "yes"
        assert feed.text("channel/atom:link/@href").endswith(
            f"/feeds/{private_show.feed_token}.xml"
        )
        assert b"account@example.com" not in feed.content


class TestItem:
    def test_states_an_episode_with_audio_outside(self, owner, show, read_feed, now):
        episode = publish_external(
            owner,
            show,
            now=now,
            title="What agents shipped",
            duration_seconds=847,
            season=2,
            episode_number=3,
            episode_type="bonus",
            explicit=True,
        )
        feed = read_feed(show)

        assert feed.text("//item/title") == "What agents shipped"
        assert feed.text("//item/guid") == str(episode.guid)
        assert feed.text("//item/pubDate") == "Sat, 14 Mar 2026 12:00:00 +0000"
        url = f"https://podcasts.example/api/track/{episode.pk}.mp3"
        assert feed.text("//item/enclosure/@url") == url
        assert feed.text("//item/enclosure/@length") == "9000"
        assert feed.text("//item/enclosure/@type") == "audio/mpeg"
        assert feed.text("//item/itunes:duration") == "847"
        assert feed.text("//item/itunes:season") == "2"
        assert feed.text("//item/itunes:episode") == "3"
        assert feed.text("//item/itunes:episodeType") == "bonus"
        assert feed.text("//item/itunes:explicit") == "true"
        page = f"https://podcasts.example/shows/daily-ai-briefing/{episode.public_id}"
        assert feed.text("//item/link") == page
        assert feed.texts("//podcast:txt[@purpose='ai-content']") == []
        assert feed.texts("//podcast:transcript|//podcast:chapters|//psc:chapters") == []

    def test_states_a_produced_episode(self, owner, show, read_feed, now):
        episode = publish_produced(owner, show, now=now)
        feed = read_feed(show)

        assert feed.text("//item/enclosure/@length") == str(len(AUDIO))
        assert feed.text("//item/enclosure/@type") == "audio/mpeg"
        assert feed.text("//item/itunes:duration") == "61"
        assert feed.text("//item/itunes:author") == "Ada Author"
        assert feed.text("//item/podcast:txt[@purpose='ai-content']") == "true"
        assert feed.text("channel/podcast:txt[@purpose='ai-content']") == "true"
        transcripts = feed.root.xpath("//*[local-name()='transcript']")
        assert [(item.get("type"), item.get("rel")) for item in transcripts] == [
            ("text/vtt", "captions"),
            ("application/x-subrip", "captions"),
            ("application/json", "captions"),
            ("text/html", None),
        ]
        keys = dict(episode.documents.values_list("kind", "storage_key"))
        assert transcripts[0].get("url") == (
            f"https://podcasts.example/media/{keys['transcript_vtt']}"
        )
        assert transcripts[0].get("language") == "en"
        chapters = f"https://podcasts.example/media/{keys['chapters_json']}"
        assert feed.text("//podcast:chapters/@url") == chapters
        assert feed.texts("//psc:chapter/@start") == ["00:00:00.000", "01:01:01.500"]
        assert feed.texts("//psc:chapter/@title") == ["Intro", "Costs & gains"]
        assert keys["timeline_json"].encode() not in feed.content

    def test_hides_the_id_in_a_private_show(self, owner, private_show, read_feed, now):
        episode = publish_produced(owner, private_show, now=now)
        feed = read_feed(f"/feeds/{private_show.feed_token}.xml")

        url = f"https://podcasts.example/api/track/{episode.public_id}.mp3"
        assert feed.text("//item/enclosure/@url") == url
        assert feed.texts("//item/link") == []

    @pytest.mark.parametrize(
        ("address", "audio_type", "extension"),
        [
            ("https://cdn.example.com/a.m4a?x=1", "audio/mpeg", "m4a"),
            ("https://cdn.example.com/a", "audio/x-m4a", "m4a"),
            ("https://cdn.example.com/a.php", "audio/ogg", "ogg"),
            ("https://cdn.example.com/A.MP3", "audio/mpeg", "mp3"),
            ("https://cdn.example.com/", "audio/strange", "mp3"),
        ],
    )
    def test_ends_its_address_in_the_real_extension(
        self, owner, show, read_feed, now, address, audio_type, extension
    ):
        episode = publish_external(owner, show, now=now, audio_url=address, audio_type=audio_type)

        url = f"https://podcasts.example/api/track/{episode.pk}.{extension}"
        assert read_feed(show).text("//enclosure/@url") == url

    def test_says_length_0_when_nobody_told_it(self, owner, show, read_feed, now):
        publish_external(owner, show, now=now, audio_length=None)

        assert read_feed(show).text("//enclosure/@length") == "0"

    def test_goes_through_the_prefix_when_one_is_set(
        self, owner, show, private_show, read_feed, now, settings
    ):
        settings.OP3_PREFIX = "https://op3.dev/e"
        episode = publish_external(owner, show, now=now)
        hidden = publish_produced(owner, private_show, now=now)

        url = f"https://op3.dev/e/https://podcasts.example/api/track/{episode.pk}.mp3"
        assert read_feed(show).text("//enclosure/@url") == url
        private = read_feed(f"/feeds/{private_show.feed_token}.xml")
        assert private.text("//enclosure/@url").startswith("https://podcasts.example/")
        assert hidden.public_id in private.text("//enclosure/@url")

    def test_has_no_prefix_on_an_instance_that_the_service_cannot_call(
        self, owner, show, read_feed, now, settings
    ):
        settings.OP3_PREFIX, settings.PUBLIC_URL = "https://op3.dev/e/", "http://home.lan:8000"
        publish_external(owner, show, now=now)

        assert read_feed(show).text("//enclosure/@url").startswith("http://home.lan:8000/api/")

    def test_survives_what_xml_forbids(self, owner, show, read_feed, now):
        episode = publish_external(owner, show, now=now)
        # Past all input checks, as an import or an operator could.
        Episode.objects.filter(pk=episode.pk).update(
            title="A\x1e\x0bB <i> & ]]>", description="one ]]> two\x1e &#1;<b>three</b>"
        )
        feed = read_feed(show)

        assert feed.text("//item/title") == "AB <i> & ]]>"
        assert "three</b>" in feed.text("//item/description")
        assert feed.text("//item/description") == feed.text("//item/content:encoded")

    def test_keeps_notes_within_4000_bytes_and_the_full_text_beside(
        self, owner, show, read_feed, now
    ):
        publish_external(owner, show, now=now, description="<p>é <b>wörd</b></p>" * 1_000)
        feed = read_feed(show)

        assert len(feed.text("//item/description").encode()) <= 4_000
        assert feed.text("//item/content:encoded").count("wörd") == 1_000


class TestWhichEpisodes:
    def test_are_published_ones_newest_first(self, owner, show, read_feed, now):
        publish_external(owner, show, now=now, title="old", published_at=now - timedelta(days=9))
        publish_external(owner, show, now=now, title="new")
        publish_external(owner, show, now=now, title="draft", status=Publication.DRAFT)
        publish_external(owner, show, now=now, title="later", publish_at=now + timedelta(days=1))
        publish_produced(owner, show, now=now, title="unfinished", publish=False)

        assert read_feed(show).texts("//item/title") == ["new", "old"]

    def test_include_a_scheduled_one_once_it_is_published(self, owner, show, read_feed, now):
        due = now + timedelta(days=1)
        publish_external(owner, show, now=now, title="later", publish_at=due)
        assert read_feed(show).texts("//item/title") == []

        publish_due(now=due)

        assert read_feed(show).texts("//item/title") == ["later"]

    def test_follow_every_change_at_the_next_request(self, owner, show, read_feed, now):
        episode = publish_external(owner, show, now=now, title="one")
        assert read_feed(show).texts("//item/title") == ["one"]

        update_episode(account=owner, episode_id=episode.pk, changes={"title": "two"}, now=now)
        assert read_feed(show).texts("//item/title") == ["two"]

        delete_episode(account=owner, episode_id=episode.pk, now=now)
        assert read_feed(show).texts("//item/title") == []

    def test_are_gone_with_their_show(self, owner, show, client, read_feed, now):
        read_feed(show)

        delete_show(account=owner, show_id=show.pk, now=now)

        assert client.get(f"/api/shows/{show.pk}/feed").status_code == 404


def test_dates_are_english_whatever_their_zone(owner, show, read_feed, now):
    published_at = datetime.fromisoformat("2026-01-05T01:30:00+05:45")
    publish_external(owner, show, now=now, published_at=published_at)

    assert published_at.astimezone(UTC).day == 4
    assert read_feed(show).text("//item/pubDate") == "Sun, 04 Jan 2026 19:45:00 +0000"


def test_no_field_can_break_the_document(owner, rich_show, read_feed, now):
    """Past all input checks, as an import or an operator could: every text with all that hurts."""
    hurts = "\x01\x1f\x7f\ufffe<&>\"']]>é"
    episode = publish_produced(owner, rich_show, now=now)
    Show.objects.filter(pk=rich_show.pk).update(
        **dict.fromkeys(("title", "description", "author", "category"), hurts),
        **dict.fromkeys(("image_url", "website_url"), f"https://e.example/{hurts}"),
        language=f"e{hurts}",
        owner_email=f"a@{hurts}",
    )
    Episode.objects.filter(pk=episode.pk).update(
        title=hurts,
        author=hurts,
        description=hurts,
        audio_type=hurts,
        chapters=[{"start": 1, "title": hurts}, {"start": -1, "title": "x"}, 7, {"start": "x"}],
    )
    AudioAsset.objects.update(mime_type=hurts)
    episode.documents.update(language=hurts)

    feed = read_feed(rich_show)

    assert feed.text("//item/title") == "<&>\"']]>é"
    assert feed.text("channel/description") == "<&>\"']]>é"
    assert feed.text("//psc:chapter/@title") == "<&>\"']]>é"
    assert feed.text("//item/itunes:author") == "<&>\"']]>é"
    assert feed.text("//enclosure/@type") == "<&>\"']]>é"
    assert set(feed.texts("//podcast:transcript/@language")) == {"<&>\"']]>é"}
    assert feed.text("channel/itunes:image/@href").isascii()
