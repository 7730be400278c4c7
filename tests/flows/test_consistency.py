"""What listeners see while twenty writers change what is public: never less than what was answered."""

from __future__ import annotations

import random
import re
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from tests.factories import sounds
from tests.flows.running import RunningUp, started_up
from tests.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(800)]

WRITERS = 20
SHOWS = 4
READERS = 6
MOST_EPISODES = 4
#: Of the writers one in so many uploads its audio; the others name an outside address.
UPLOADERS = 5

#: Episode id -> title and the address that its audio is at.
State = dict[int, tuple[str, str]]


@dataclass
class Writer:
    """One client that changes its own episodes of a show, one change after the other."""

    number: int
    show: int
    client: httpx.Client
    audio: bytes
    #: The state after each change; the last may be under way, those up to `answered` are not.
    states: list[State] = field(default_factory=lambda: [{}])
    answered: int = 0
    #: What was uploaded, by its path.
    uploaded: dict[str, bytes] = field(default_factory=dict)

    def change_something(self, chance: random.Random) -> None:
        present = self.states[-1]
        wish = chance.choice(("create", "create", "edit", "edit", "delete"))
        if not present or (wish == "create" and len(present) < MOST_EPISODES):
            self._create()
        elif wish == "delete":
            self._change("DELETE", chance.choice(list(present)))
        else:
            self._change("PATCH", chance.choice(list(present)), *self._new())
        self.answered = len(self.states) - 1

    def _create(self) -> None:
        title, address = self._new()
        # Its id is known with the answer only, so until then it goes by a number of ours.
        unknown = -len(self.states)
        self.states.append({**self.states[-1], unknown: (title, address)})
        answer = self._call(
            "POST", f"/api/shows/{self.show}/episodes", {"title": title, "audio_url": address}
        )
        state = dict(self.states[-1])
        state[int(answer["id"])] = state.pop(unknown)
        self.states[-1] = state

    def _change(self, method: str, episode: int, title: str = "", address: str = "") -> None:
        state = dict(self.states[-1])
        if method == "PATCH":
            state[episode] = (title, address)
        else:
            del state[episode]
        self.states.append(state)
        body = {"title": title, "audio_url": address} if method == "PATCH" else None
        self._call(method, f"/api/episodes/{episode}", body)

    def _new(self) -> tuple[str, str]:
        name = f"{self.number}-{len(self.states)}"
        if self.number % UPLOADERS:
            return name, f"https://cdn.example.com/{name}.mp3"
        content = _distinct(self.audio, name)
        files = {"audio": ("a.mp3", content, "audio/mpeg")}
        answer = self.client.post("/api/v1/upload", files=files)
        assert answer.is_success, answer.text
        address = str(answer.json()["url"])
        self.uploaded[address] = content
        return name, address

    def _call(self, method: str, path: str, body: dict[str, str] | None) -> dict[str, Any]:
        answer = self.client.request(method, path, json=body)
        assert answer.is_success, answer.text
        return dict(answer.json()) if answer.content else {}


def _distinct(sound: bytes, name: str) -> bytes:
    """The sound behind a tag that no other upload has."""
    tag = name.encode().ljust(100, b"\0")
    return b"ID3\x03\x00\x00\x00\x00\x00" + bytes([len(tag)]) + tag + sound


@dataclass
class Reader:
    """Asks for feeds, tracks and media, and compares with what the writers were told before."""

    client: httpx.Client
    writers: list[Writer]
    #: The one document of each entity tag, whoever served it and in whatever form.
    documents: dict[str, bytes]
    chance: random.Random
    held: dict[int, str] = field(default_factory=dict)
    seen: int = 0

    def look(self) -> None:
        writer = self.chance.choice(self.writers)
        look = self.chance.choice((self._feed, self._feed, self._track, self._media))
        look(writer)
        self.seen += 1

    def _feed(self, writer: Writer) -> None:
        beside = [one for one in self.writers if one.show == writer.show]
        before = [one.answered for one in beside]
        headers = {"Accept-Encoding": self.chance.choice(("gzip", "identity"))}
        if writer.show in self.held and self.chance.random() < 1 / 2:
            headers["If-None-Match"] = self.held[writer.show]
        answer = self.client.get(f"/api/shows/{writer.show}/feed", headers=headers)
        after = [len(one.states) for one in beside]
        tag = answer.headers["ETag"].replace('-gzip"', '"')
        if answer.status_code == httpx.codes.OK:
            assert self.documents.setdefault(tag, answer.content) == answer.content
            self.held[writer.show] = answer.headers["ETag"]
        else:
            assert answer.status_code == httpx.codes.NOT_MODIFIED
        titles = _titles(self.documents[tag])
        for one, first, end in zip(beside, before, after, strict=True):
            own = {title for title in titles if title.startswith(f"{one.number}-")}
            possible = [{title for title, _ in state.values()} for state in one.states[first:end]]
            assert own in possible, f"{own} is older than {possible}"

    def _track(self, writer: Writer) -> None:
        first = writer.answered
        known = [episode for episode in writer.states[first] if episode > 0]
        if not known:
            return
        episode = self.chance.choice(known)
        answer = self.client.get(f"/api/track/{episode}.mp3")
        states = writer.states[first : len(writer.states)]
        possible = [state[episode][1] if episode in state else None for state in list(states)]
        assert answer.headers.get("Location") in possible
        assert answer.status_code in {httpx.codes.FOUND, httpx.codes.NOT_FOUND}

    def _media(self, writer: Writer) -> None:
        uploaded = list(writer.uploaded.items())
        if uploaded:
            # The newest is the one that a process may not know yet.
            address, content = self.chance.choice(uploaded[-3:])
            assert self.client.get(address).content == content


def _titles(document: bytes) -> set[str]:
    """The episodes' titles, each of which is there once; fails on what is no XML."""
    titles = [str(title.text) for title in ET.fromstring(document).iterfind("channel/item/title")]  # noqa: S314 - our own
    assert len(set(titles)) == len(titles)
    return set(titles)


def _client(running: RunningUp, stack: ExitStack) -> httpx.Client:
    key = re.search(r"pc_live_[A-Za-z0-9]{32}", running.printed())
    assert key is not None
    bearer = {"Authorization": f"Bearer {key[0]}"}
    return stack.enter_context(httpx.Client(base_url=running.url, headers=bearer, timeout=150))


def _at_work(everybody: list[Any], seconds: float, is_enough: Callable[[], bool]) -> None:
    """Let all work at once for so long, and longer until it is enough; fails with the first that fails."""
    over = threading.Event()

    def work(step: Any) -> None:
        try:
            while not over.is_set():
                step()
        except BaseException:
            over.set()
            raise

    with ThreadPoolExecutor(len(everybody)) as pool:
        working = [pool.submit(work, step) for step in everybody]
        over.wait(seconds)
        while not (is_enough() or over.wait(1)):
            pass
        over.set()
    for one in working:
        one.result()


def test_no_listener_sees_less_than_what_writers_were_told(
    tmp_path: Path, services: dict[str, str], request: pytest.FixtureRequest
) -> None:
    seconds = 60 if request.config.getoption("full_drills") else 10
    port = free_port()
    settings = {
        **services,
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    with ExitStack() as stack, started_up(tmp_path, settings, port) as running:
        owner = _client(running, stack)
        shows = [
            int(owner.post("/api/shows", json={"title": f"Show {number}"}).json()["id"])
            for number in range(SHOWS)
        ]
        sound = sounds.mp3(seconds=0.5)
        writers = [
            Writer(number, shows[number % SHOWS], _client(running, stack), sound)
            for number in range(WRITERS)
        ]
        documents: dict[str, bytes] = {}
        readers = [
            Reader(_client(running, stack), writers, documents, random.Random(number))
            for number in range(READERS)
        ]

        chance = random.Random(0)
        steps = [partial(writer.change_something, chance) for writer in writers]
        _at_work(
            [*steps, *(reader.look for reader in readers)],
            seconds,
            lambda: sum(writer.answered for writer in writers) > WRITERS,
        )

        last = {show: owner.get(f"/api/shows/{show}/feed").content for show in shows}
        for show, document in last.items():
            beside = [writer.states[-1] for writer in writers if writer.show == show]
            titles = {title for state in beside for title, _ in state.values()}
            assert _titles(document) == titles
        assert all(reader.seen for reader in readers)

    shutil.rmtree(tmp_path / "var" / "feeds")
    with ExitStack() as stack, started_up(tmp_path, settings, port) as running:
        anybody = stack.enter_context(httpx.Client(base_url=running.url, timeout=60))
        fresh = {show: anybody.get(f"/api/shows/{show}/feed").content for show in shows}
    assert fresh == last
