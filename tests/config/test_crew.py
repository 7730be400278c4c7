"""Tests of the crew: slow clients occupy others than those who do the work."""

from __future__ import annotations

import threading
from io import BytesIO

import pytest
from django.http import HttpResponse, StreamingHttpResponse

from config.crew import SHORT_BODY_BYTES, UPLOAD_THREADS, Crew

PATIENCE_SECONDS = 100


class SlowBody:
    """A body that its client sends only when the test says so."""

    def __init__(self, content=b"x"):
        self.go_on = threading.Event()
        self._content = BytesIO(content)

    def read(self, size=-1):
        assert self.go_on.wait(PATIENCE_SECONDS)
        return self._content.read(size)


class House:
    """An application that reads the body and answers with it; `seen` holds what it noticed."""

    def __init__(self, response=HttpResponse):
        self.threads = []
        self._response = response

    def __call__(self, environ, start_response):
        self.threads.append(threading.current_thread().name)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0) or -1)
        start_response("200 OK", [])
        return self._response([body])


def request(body=b"", **more):
    source = BytesIO(body) if isinstance(body, bytes) else body
    length = {"CONTENT_LENGTH": str(len(body))} if isinstance(body, bytes) else {}
    return {"REQUEST_METHOD": "POST", "wsgi.input": source} | length | more


def answer(crew, environ):
    return b"".join(crew.answer(environ, lambda _status, _headers: None))


@pytest.fixture
def house():
    return House()


@pytest.fixture
def crew(house):
    return Crew(house)


def in_background(crew, environs):
    threads = [threading.Thread(target=answer, args=(crew, environ)) for environ in environs]
    for thread in threads:
        thread.start()
    return threads


@pytest.mark.parametrize("body", [b"", b"short", b"l" * (SHORT_BODY_BYTES + 1)])
def test_the_application_gets_the_body_as_it_was_sent(crew, body):
    assert answer(crew, request(body)) == body


def test_a_body_in_chunks_is_handed_on(crew):
    environ = request(BytesIO(b"chunks"), HTTP_TRANSFER_ENCODING="chunked")

    assert answer(crew, environ) == b"chunks"


def test_any_number_of_slow_short_bodies_keeps_nobody_waiting(crew, house):
    bodies = [SlowBody() for _ in range(60)]
    waiting = in_background(crew, [request(body, CONTENT_LENGTH="1") for body in bodies])

    assert answer(crew, request(b"quick")) == b"quick"

    assert len(house.threads) == 1
    for body in bodies:
        body.go_on.set()
    for thread in waiting:
        thread.join(PATIENCE_SECONDS)
    assert len(house.threads) == 61


def test_slow_uploads_keep_only_uploads_waiting(crew, house):
    length = str(SHORT_BODY_BYTES + 1)
    bodies = [SlowBody() for _ in range(UPLOAD_THREADS + 5)]
    waiting = in_background(crew, [request(body, CONTENT_LENGTH=length) for body in bodies])

    assert answer(crew, request(b"quick")) == b"quick"

    for body in bodies:
        body.go_on.set()
    for thread in waiting:
        thread.join(PATIENCE_SECONDS)
    assert sum(name.startswith("uploads") for name in house.threads) == len(bodies)


@pytest.mark.parametrize("length", ["", "-1", "many", "1" * 400])
def test_a_length_that_is_none_is_left_to_the_application(length):
    seen = []

    def house(environ, start_response):
        seen.append(environ["CONTENT_LENGTH"])
        return HttpResponse()

    answer(Crew(house), request(b"", CONTENT_LENGTH=length))

    assert seen == [length]


def test_a_response_is_closed_by_who_made_it():
    closed_by = []

    class Response(HttpResponse):
        def close(self):
            closed_by.append(threading.current_thread().name)
            super().close()

    answer(Crew(House(Response)), request(b"x"))

    assert [name.split("_")[0] for name in closed_by] == ["crew"]


def test_a_stream_is_read_by_who_asked():
    read_by = []

    def pieces():
        read_by.append(threading.current_thread())
        yield b"piece"

    crew = Crew(House(lambda _body: StreamingHttpResponse(pieces())))

    assert answer(crew, request(b"x")) == b"piece"
    assert read_by == [threading.current_thread()]


def test_other_work_is_done_by_the_crew_and_may_fail(crew):
    assert crew.run(lambda: threading.current_thread().name).startswith("crew")
    with pytest.raises(ZeroDivisionError):
        crew.run(divmod, 1, 0)
