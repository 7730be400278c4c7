"""Tests of the door as a web process has it: what it keeps, when it looks again, what it lets through."""

from __future__ import annotations

import gzip
import io

import pytest
from django.core.wsgi import get_wsgi_application
from django.db import OperationalError, connection, transaction

from core.changes import ChangeStamps
from edge.door import Door, before
from episodes.services import delete_episode, update_episode
from shows.services import delete_show, ensure_narration_show, update_show
from tests.factories.published import publish_external, publish_produced


@pytest.fixture
def episode(owner, show, now):
    return publish_produced(owner, show, now=now)


@pytest.fixture
def addresses(show, episode):
    """One address of each kind."""
    return [
        f"/api/shows/{show.pk}/feed",
        f"/api/track/{episode.pk}.mp3",
        f"/media/{episode.asset.storage_key}",
        f"/media/{episode.documents.get(kind='transcript_vtt').storage_key}",
    ]


class TestKeeping:
    def test_asks_the_database_once(self, listener, addresses, django_assert_num_queries):
        first = [listener.ask(address) for address in addresses]

        with django_assert_num_queries(0):
            assert [listener.ask(address) for address in addresses] == first

    def test_makes_a_feed_anew_whose_file_was_cut_off(self, listener, show, episode, data_dir):
        address = f"/api/shows/{show.pk}/feed"
        _status, _headers, plain = listener.ask(address)
        (file,) = (data_dir / "feeds" / str(show.pk)).glob("*.xml.gz")
        file.write_bytes(file.read_bytes()[:100])

        status, headers, body = listener.ask(address, accept_encoding="gzip")

        assert status == 200
        assert len(body) == int(headers["Content-Length"])
        assert gzip.decompress(body) == plain

    def test_weighs_what_the_headers_of_listeners_make_it_keep(self, listener, episode):
        shelf = listener.door.shelf
        for first in range(50):
            listener.ask(f"/media/{episode.asset.storage_key}", range=f"bytes={first}-")
        heavy = shelf.weight

        shelf.get(f"/media/{episode.asset.storage_key}").shed()

        assert 10_000 < heavy < 50_000
        assert listener.ask(f"/media/{episode.asset.storage_key}", range="bytes=7-")[0] == 206
        assert 0 < shelf.weight < heavy / 10

    def test_serves_without_a_database(self, listener, addresses, monkeypatch):
        first = [listener.ask(address) for address in addresses]

        def refuse(*arguments):
            raise OperationalError

        with connection.execute_wrapper(refuse):
            assert [listener.ask(address) for address in addresses] == first

    def test_says_so_when_it_cannot_look(self, listener, addresses):
        def refuse(*arguments):
            raise OperationalError

        with connection.execute_wrapper(refuse):
            for address in addresses:
                status, headers, _body = listener.ask(address)
                assert (status, headers["Retry-After"]) == (503, "5")

    def test_looks_each_time_where_nobody_could_tell_it_of_changes(
        self, data_dir, owner, show, now, listeners
    ):
        data_dir.mkdir(exist_ok=True)
        stamps = ChangeStamps(data_dir)  # a folder is in the way
        listener = listeners[0]
        listener.door._stamps = stamps.words
        listener.ask(f"/api/shows/{show.pk}/feed")

        publish_external(owner, show, now=now, title="fresh")

        assert b"fresh" in listener.ask(f"/api/shows/{show.pk}/feed")[2]
        assert len(listener.door.shelf) == 0


class TestEveryProcess:
    """What an answered change did is seen by the next request, whichever process gets it."""

    def test_sees_an_edit(self, listeners, owner, show, episode, now):
        path = f"/api/shows/{show.pk}/feed"
        before_edit = [listener.ask(path)[1]["ETag"] for listener in listeners]

        update_episode(account=owner, episode_id=episode.pk, changes={"title": "edited"}, now=now)

        answers = [listener.ask(path, if_none_match=before_edit[0]) for listener in listeners]
        assert all(status == 200 and b"edited" in body for status, _headers, body in answers)

    def test_sees_other_audio(self, listeners, owner, show, now):
        episode = publish_external(owner, show, now=now)
        path = f"/api/track/{episode.pk}.mp3"
        for listener in listeners:
            listener.ask(path)

        other = "https://cdn.example.com/other.mp3"
        update_episode(account=owner, episode_id=episode.pk, changes={"audio_url": other}, now=now)

        assert {listener.ask(path)[1]["Location"] for listener in listeners} == {other}

    def test_sees_that_an_episode_is_gone(self, listeners, owner, episode, addresses, now):
        for listener in listeners:
            assert {listener.ask(address)[0] for address in addresses} == {200, 302}

        delete_episode(account=owner, episode_id=episode.pk, now=now)

        for listener in listeners:
            assert [listener.ask(address)[0] for address in addresses[1:]] == [404, 404, 404]
            assert b"<item>" not in listener.ask(addresses[0])[2]

    def test_sees_that_a_show_is_gone(self, listeners, owner, show, addresses, now):
        for listener in listeners:
            for address in addresses:
                listener.ask(address)

        delete_show(account=owner, show_id=show.pk, now=now)

        for listener in listeners:
            assert {listener.ask(address)[0] for address in addresses} == {404}

    def test_forgets_nothing_of_other_shows(
        self, listener, owner, addresses, now, django_assert_num_queries
    ):
        first = [listener.ask(address) for address in addresses]
        with transaction.atomic():
            other = ensure_narration_show(account=owner, now=now)
        update_show(account=owner, show_id=other.pk, changes={"title": "Other"}, now=now)

        with django_assert_num_queries(0):
            assert [listener.ask(address) for address in addresses] == first

    def test_does_not_keep_what_changes_while_it_is_read(
        self, listener, owner, show, now, monkeypatch
    ):
        path = f"/api/shows/{show.pk}/feed"
        read = listener.door._published
        changes = iter(range(9))

        def read_and_change(*arguments):
            found = read(*arguments)
            update_show(
                account=owner, show_id=show.pk, changes={"title": f"no {next(changes)}"}, now=now
            )
            return found

        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(listener.door, "_published", read_and_change)
            listener.ask(path)

        assert b"<title>no 2</title>" in listener.ask(path)[2]


class TestLettingThrough:
    @pytest.mark.parametrize(
        "path",
        [
            "/",
            "/api/shows",
            "/api/shows/1",
            "/api/shows/1/feed/",
            "/api/shows/x/feed",
            "/api/track/",
            "/api/track/1.mp3/x",
            "/api/track/1\n",
            "/feeds/podcast_x.xml",
            "/media/../secret_key",
            "/media/é",
            "/admin/",
            "",
        ],
    )
    def test_leaves_all_else_to_django(self, listener, path):
        assert listener.ask(path)[0] is None

    def test_is_one_application_with_django(self, addresses, data_dir):
        def start(status, headers):
            seen.append((status, dict(headers)))

        seen = []
        application = before(get_wsgi_application())
        for path in (addresses[0], "/livez"):
            body = application(
                {
                    "REQUEST_METHOD": "GET",
                    "PATH_INFO": path,
                    "QUERY_STRING": "",
                    "SERVER_NAME": "localhost",
                    "SERVER_PORT": "80",
                    "wsgi.input": io.BytesIO(),
                    "wsgi.url_scheme": "http",
                },
                start,
            )
            assert b"".join(body)

        (door_status, door_headers), (django_status, django_headers) = seen
        assert door_status == django_status == "200 OK"
        assert "X-Request-Id" not in door_headers
        assert "X-Request-Id" in django_headers


def test_answers_of_one_address_do_not_depend_on_its_query(listener, addresses):
    for address in addresses:
        assert listener.ask(address)[:1] == listener.ask(address, query="_from=app&x=%00")[:1]


def test_a_page_has_an_address_of_its_own(listener, addresses):
    assert listener.ask(addresses[0], query="page=1")[2] == listener.ask(addresses[0])[2]
    for query in ("page=2", "page=0", "page=x", "page=9999999", "page="):
        assert listener.ask(addresses[0], query=query)[0] == 404


def test_doors_of_other_folders_are_others(data_dir, tmp_path):
    assert Door(data_dir)._feeds.folder != Door(tmp_path / "other")._feeds.folder
