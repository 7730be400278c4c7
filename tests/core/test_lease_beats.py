from __future__ import annotations

import threading

import pytest
from django.db import OperationalError

from core.lease_beats import lease_kept_up

pytestmark = pytest.mark.usefixtures("transactional_db")

PATIENCE_SECONDS = 100


@pytest.fixture
def beats():
    """Answers of the renewal, one after the other, and whether the last one was given."""

    class Beats:
        def __init__(self):
            self.answers = []
            self.are_over = threading.Event()

        def renew(self):
            answer = self.answers.pop(0)
            if not self.answers:
                self.are_over.set()
                self.answers.append(True)
            if isinstance(answer, Exception):
                raise answer
            return answer

    return Beats()


def test_a_lease_is_renewed_until_the_work_ends(beats):
    beats.answers = [True, True, True]

    with lease_kept_up(beats.renew, every=0.001):
        assert beats.are_over.wait(PATIENCE_SECONDS)

    assert [thread for thread in threading.enumerate() if thread.name == "lease"] == []


def test_a_lease_outlives_a_database_that_is_away_for_a_moment(beats):
    beats.answers = [True, OperationalError("server closed the connection"), True, True]

    with lease_kept_up(beats.renew, every=0.001):
        assert beats.are_over.wait(PATIENCE_SECONDS)


def test_a_lease_that_is_lost_is_not_renewed_again(beats):
    beats.answers = [False, True]

    with lease_kept_up(beats.renew, every=0.001):
        for thread in threading.enumerate():
            if thread.name == "lease":
                thread.join(PATIENCE_SECONDS)

    assert beats.answers == [True]
