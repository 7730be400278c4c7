from __future__ import annotations

import threading

import pytest

from core.careful_chat import FAILURES, REST_SECONDS, CarefulChat, WriterResting
from core.chat import Completion, Usage, WriterUnavailable

ANSWER = Completion("{}", is_cut=False, usage=Usage())


class Model:
    """A model that does what its test says, and counts how often it was asked."""

    model = "m"

    def __init__(self) -> None:
        self.asked = 0
        self.behave = lambda: ANSWER

    def context_tokens(self) -> int:
        return 1_000

    def complete(self, _messages, **_options) -> Completion:
        self.asked += 1
        return self.behave()


def fail():
    raise WriterUnavailable("no")


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def clock() -> list[float]:
    return [0.0]


@pytest.fixture
def ask(model, clock):
    chat = CarefulChat(model, limit=5, clock=lambda: clock[0])
    return lambda: chat.complete([], schema={}, max_tokens=1, check=lambda: None)


@pytest.fixture
def broken(model, ask):
    """The chat after as many failures as it takes."""
    model.behave = fail
    for _ in range(FAILURES):
        with pytest.raises(WriterUnavailable):
            ask()
    return ask


def test_answers_like_the_one_behind_it(ask):
    assert ask() is ANSWER


def test_is_left_alone_for_a_minute_after_failures_in_a_row(model, broken, clock):
    clock[0] = REST_SECONDS - 1

    with pytest.raises(WriterResting):
        broken()

    assert model.asked == FAILURES


def test_failures_with_successes_between_them_do_not_count(model, ask):
    for _ in range(FAILURES):
        model.behave = fail
        with pytest.raises(WriterUnavailable):
            ask()
        model.behave = lambda: ANSWER
        assert ask() is ANSWER


def test_works_again_once_one_try_has_succeeded(model, broken, clock):
    clock[0] = REST_SECONDS + 1
    model.behave = lambda: ANSWER

    assert [broken() for _ in range(3)] == [ANSWER] * 3


def test_one_more_failure_is_another_minute(model, broken, clock):
    clock[0] = REST_SECONDS + 1

    with pytest.raises(WriterUnavailable, match="no"):
        broken()
    with pytest.raises(WriterResting):
        broken()

    assert model.asked == FAILURES + 1


def test_only_one_tries_while_the_others_go_on_without(model, broken, clock):
    clock[0] = REST_SECONDS + 1
    go_on, arrived = threading.Event(), threading.Event()

    def behave():
        arrived.set()
        go_on.wait(100)
        return ANSWER

    model.behave = behave
    first = threading.Thread(target=broken)
    first.start()
    arrived.wait(100)

    with pytest.raises(WriterResting):
        broken()

    go_on.set()
    first.join()
    assert broken() is ANSWER


def test_waits_no_longer_than_its_limit_whatever_the_server_does(model):
    go_on = threading.Event()
    model.behave = lambda: go_on.wait(100) and ANSWER
    chat = CarefulChat(model, limit=0.05)

    with pytest.raises(WriterUnavailable, match="in time"):
        chat.complete([], schema={}, max_tokens=1, check=lambda: None)

    go_on.set()


def test_what_is_no_failure_of_the_server_is_raised_and_not_counted(model, ask):
    def cancel():
        raise KeyError("cancelled")

    model.behave = cancel
    for _ in range(FAILURES + 1):
        with pytest.raises(KeyError):
            ask()
