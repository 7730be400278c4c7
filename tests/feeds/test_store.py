"""Tests of how feeds are kept, and of when they are made again."""

from __future__ import annotations

import gzip
import stat
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection

from episodes.services import delete_episode, update_episode
from feeds import store as store_module
from feeds.facts import PageMissing
from feeds.store import BodyGone, FeedStore, ShowGone, public_version, version_by_token
from feeds.sweeping import sweep_feeds
from shows.services import delete_show
from tests.factories.published import publish_external


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "feeds"


@pytest.fixture
def store(folder):
    return FeedStore(folder)


def plain(store, version, **page):
    """The document of a version."""
    return store.body(version, store.get(version, **page), compressed=False)


@pytest.fixture
def episodes(owner, show, now):
    return [publish_external(owner, show, now=now, title=f"number {n}") for n in range(5)]


def test_versions_cost_one_query(show, django_assert_num_queries):
    with django_assert_num_queries(1):
        version = public_version(show.pk)
    with django_assert_num_queries(1):
        assert version_by_token(show.feed_token) == version


class TestGet:
    def test_holds_the_same_document_twice(self, store, show, episodes):
        version = public_version(show.pk)
        feed = store.get(version)

        document = store.body(version, feed, compressed=False)
        gzipped = store.body(version, feed, compressed=True)
        assert gzip.decompress(gzipped) == document
        assert document.count(b"<item>") == 5
        assert (feed.plain_bytes, feed.gzip_bytes) == (len(document), len(gzipped))

    def test_compresses_into_one_member_that_ends_with_the_document(self, store, show, episodes):
        version = public_version(show.pk)
        feed = store.get(version)
        reader = zlib.decompressobj(16 + zlib.MAX_WBITS)

        assert reader.decompress(store.body(version, feed, compressed=True)).endswith(b"</rss>\n")
        assert reader.eof
        assert reader.unused_data == b""

    def test_renders_nothing_and_asks_nothing_when_nothing_changed(
        self, store, show, episodes, django_assert_num_queries
    ):
        version = public_version(show.pk)
        feed = store.get(version)

        with django_assert_num_queries(0):
            assert store.get(version) == feed
        assert store.items_rendered == 5

    def test_takes_the_files_of_another_process(
        self, store, folder, show, episodes, django_assert_num_queries
    ):
        version = public_version(show.pk)
        feed = store.get(version)
        other = FeedStore(folder)

        with django_assert_num_queries(0):
            assert other.get(version) == feed
        assert other.items_rendered == 0

    def test_renders_one_item_after_one_edit_in_whatever_process(
        self, store, folder, owner, show, episodes, now
    ):
        store.get(public_version(show.pk))
        # The same instant: what counts is what the item says, not when it was changed.
        update_episode(
            account=owner, episode_id=episodes[2].pk, changes={"title": "edited"}, now=now
        )
        other = FeedStore(folder)

        document = plain(other, public_version(show.pk))

        assert b"edited" in document
        assert other.items_rendered == 1

    def test_is_byte_for_byte_a_fresh_rendering_after_whatever_changed(
        self, store, tmp_path, owner, show, episodes, now
    ):
        later = now
        for number in range(3):
            later += timedelta(hours=1)
            publish_external(owner, show, now=later, title=f"more {number}")
            update_episode(
                account=owner, episode_id=episodes[number].pk, changes={"title": "e"}, now=later
            )
            version = public_version(show.pk)
            kept, fresh = store.get(version), FeedStore(tmp_path / f"fresh{number}").get(version)

            assert kept == fresh
            for compressed in (False, True):
                assert store.body(version, kept, compressed=compressed) == FeedStore(
                    tmp_path / f"fresh{number}"
                ).body(version, fresh, compressed=compressed)

    def test_forgets_what_was_deleted(self, store, folder, owner, show, episodes, now):
        store.get(public_version(show.pk))
        delete_episode(account=owner, episode_id=episodes[2].pk, now=now)

        store.get(public_version(show.pk))

        kept = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
        # Two locks, the table and the two forms of the feed.
        assert len(kept) == 5
        assert not [content for content in kept if b"number 2" in content]

    def test_renders_again_when_the_address_of_the_instance_changes(
        self, store, show, episodes, settings
    ):
        store.get(public_version(show.pk))
        settings.PUBLIC_URL = "https://moved.example"

        document = plain(store, public_version(show.pk))

        assert b"podcasts.example" not in document.split(b"<item>")[1]
        assert store.items_rendered == 10

    def test_renders_again_with_another_version_of_the_program(
        self, store, folder, show, episodes, monkeypatch
    ):
        first = store.get(public_version(show.pk))
        monkeypatch.setattr(store_module, "templates_digest", lambda: "another version")

        assert store.get(public_version(show.pk)).name != first.name

    def test_does_not_mix_up_a_show_with_the_one_that_had_its_id_before(
        self, store, show, episodes
    ):
        version = public_version(show.pk)
        feed = store.get(version)

        assert replace(version, feed_token="podcast_0000000000000000").digest() not in feed.name

    def test_is_made_once_for_all_who_ask_at_the_same_time(self, folder, show, episodes):
        version = public_version(show.pk)
        stores = [FeedStore(folder) for _ in range(3)]

        def ask(number):
            try:
                return plain(stores[number % 3], version)
            finally:
                connection.close()

        with ThreadPoolExecutor(6) as pool:
            documents = set(pool.map(ask, range(24)))

        assert len(documents) == 1
        assert sum(store.items_rendered for store in stores) == 5

    def test_serves_from_memory_when_the_disk_is_full(self, store, show, episodes, monkeypatch):
        def refuse(path, *content):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(store_module, "write_durably", refuse)

        assert b"number 4" in plain(store, public_version(show.pk))

    def test_serves_when_the_folder_cannot_be_made(self, tmp_path, show, episodes):
        (tmp_path / "file").write_text("in the way")

        store = FeedStore(tmp_path / "file" / "feeds")

        assert b"number 4" in plain(store, public_version(show.pk))

    @pytest.mark.parametrize("damage", [b"", b"cut off", None])
    @pytest.mark.parametrize("name", ["page-1", "*.xml", "*.xml.gz"])
    def test_is_made_again_from_damaged_files(self, store, folder, show, episodes, name, damage):
        version = public_version(show.pk)
        document = plain(store, version)
        (file,) = folder.rglob(name)
        if damage is None:
            file.unlink()
        else:
            file.write_bytes(damage)

        assert plain(store, version) == document

    def test_survives_damage_before_a_change(self, store, folder, owner, show, episodes, now):
        store.get(public_version(show.pk))
        (file,) = folder.rglob("*.xml")
        file.write_bytes(b"cut off")
        publish_external(owner, show, now=now, title="one more")

        assert plain(store, public_version(show.pk)).count(b"<item>") == 6

    def test_says_that_the_show_is_gone(self, store, owner, show, now):
        version = public_version(show.pk)
        delete_show(account=owner, show_id=show.pk, now=now)

        with pytest.raises(ShowGone):
            store.get(version)

    def test_says_that_its_files_were_replaced(self, store, owner, show, episodes, now):
        version = public_version(show.pk)
        feed = store.get(version)
        publish_external(owner, show, now=now)
        store.get(public_version(show.pk))

        for compressed in (False, True):
            with pytest.raises(BodyGone):
                store.body(version, feed, compressed=compressed)


class TestPages:
    def test_hold_every_item_once_and_link_to_each_other(self, folder, show, episodes):
        store = FeedStore(folder, page_items=2)
        version = public_version(show.pk)

        pages = [plain(store, version, page=number).decode() for number in (1, 2, 3)]

        assert [page.count("<item>") for page in pages] == [2, 2, 1]
        titles = [f"number {n}" for n in range(5)]
        assert all("".join(pages).count(f"<title>{title}<") == 1 for title in titles)
        url = f"https://podcasts.example/api/shows/{show.pk}/feed"
        for number, page in enumerate(pages, 1):
            here = url if number == 1 else f"{url}?page={number}"
            assert f'rel="self" type="application/rss+xml" href="{here}"' in page
            assert f'rel="first" type="application/rss+xml" href="{url}"' in page
            assert f'rel="last" type="application/rss+xml" href="{url}?page=3"' in page
        assert f'rel="next" type="application/rss+xml" href="{url}?page=2"' in pages[0]
        assert f'rel="prev" type="application/rss+xml" href="{url}"' in pages[1]
        assert 'rel="prev"' not in pages[0]
        assert 'rel="next"' not in pages[2]

    def test_keep_each_others_files(self, folder, show, episodes):
        store = FeedStore(folder, page_items=2)
        for number in (1, 2, 3):
            store.get(public_version(show.pk), page=number)

        assert len(list(folder.rglob("*.xml"))) == 3

    def test_render_one_item_after_one_edit(self, folder, owner, show, episodes, now):
        store = FeedStore(folder, page_items=2)
        for edits in range(2):
            for number in (1, 2, 3):
                store.get(public_version(show.pk), page=number)
            assert store.items_rendered == 5 + edits
            update_episode(
                account=owner, episode_id=episodes[0].pk, changes={"title": "edited"}, now=now
            )

        assert len(list(folder.rglob("*.xml"))) == 3

    def test_leave_no_file_when_there_are_fewer(self, folder, owner, show, episodes, now):
        store = FeedStore(folder, page_items=2)
        for number in (1, 2, 3):
            store.get(public_version(show.pk), page=number)
        delete_episode(account=owner, episode_id=episodes[0].pk, now=now)

        for number in (1, 2):
            store.get(public_version(show.pk), page=number)

        kept = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
        assert not [content for content in kept if b"number 0" in content]
        assert len(list(folder.rglob("*.xml"))) == 2

    def test_end_after_the_last(self, folder, show, episodes):
        with pytest.raises(PageMissing):
            FeedStore(folder, page_items=2).get(public_version(show.pk), page=4)

    def test_are_one_for_a_show_without_episodes(self, store, show):
        assert b"<item>" not in plain(store, public_version(show.pk))
        with pytest.raises(PageMissing):
            store.get(public_version(show.pk), page=2)


class TestSweepFeeds:
    def test_removes_the_files_of_shows_that_are_gone(
        self, store, folder, owner, show, episodes, now
    ):
        store.get(public_version(show.pk))
        assert sweep_feeds(folder) == 0

        delete_show(account=owner, show_id=show.pk, now=now)

        assert sweep_feeds(folder) == 1
        assert list(folder.iterdir()) == []

    def test_does_nothing_without_a_folder(self, db, folder):
        assert sweep_feeds(folder) == 0


def test_kept_files_can_be_read_by_us_only(store, folder, show):
    store.get(public_version(show.pk))

    assert stat.S_IMODE((folder / str(show.pk)).stat().st_mode) == 0o700
