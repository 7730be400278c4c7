"""Leases, on every kind of row of work that there is."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import IntegrityError, connections, transaction

from core.leases import Leased
from tests.factories.rows import write_row

KINDS = [model for model in apps.get_models() if issubclass(model, Leased)]
LASTING = timedelta(seconds=30)
#: What the claim of a kind writes besides; all others keep their state.
CHANGES = {
    "AudioCopy": {"state": "copying"},
    "Delivery": {"state": "sending"},
    "Generation": {"state": "writing"},
    "Narration": {"state": "preparing"},
    "Production": {"state": "running"},
}
#: Fields that constraints ask more of than a value.
EXAMPLES = {"Narration": {"source_type": "paste", "text": "Words."}}


@pytest.fixture(params=KINDS, ids=lambda model: model.__name__)
def rows(request, transactional_db, now):
    """The one row of a kind of work, which is due."""
    fields = EXAMPLES.get(request.param.__name__, {})
    row = write_row(request.param, due_at=now, **fields)
    return request.param.objects.filter(pk=row.pk)


def claimed(rows, now):
    changes = CHANGES.get(rows.model.__name__, {})
    return rows.claim(now=now, lasting=LASTING, **changes)


def test_there_are_kinds():
    assert {model.__name__ for model in KINDS} >= {*CHANGES, "Source", "StripeEvent", "UsageReport"}


def test_a_row_is_claimed_once_and_counts_the_attempt(rows, now):
    assert not rows.claimable(now=now - timedelta(seconds=1)).exists()
    assert rows.claimable_ids(now=now, limit=5) == [rows.get().pk]

    def compete(_number):
        try:
            return claimed(rows.all(), now)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        leases = [lease for lease in pool.map(compete, range(4)) if lease]

    row = rows.get()
    assert leases == [row.lease]
    assert (row.attempts, row.lease_until) == (1, now + LASTING)
    assert not rows.claimable(now=now).exists()


def test_a_lease_that_has_run_out_is_taken_over(rows, now):
    first = claimed(rows, now)
    held = rows.held(pk=rows.get().pk, lease=first)
    later = now + timedelta(seconds=20)

    assert held.renew(now=later, lasting=LASTING)
    assert rows.get().lease_until == later + LASTING
    rows.update(due_at=now)
    assert claimed(rows, now + LASTING) is None
    second = claimed(rows, later + LASTING)

    assert second not in {None, first}
    assert rows.get().attempts == 2
    assert not held.renew(now=later, lasting=LASTING)
    assert not held.release()
    assert rows.get().lease == second


def test_a_released_row_is_in_nobodys_hands(rows, now):
    state = rows.get().state
    lease = claimed(rows, now)

    assert rows.held(pk=rows.get().pk, lease=lease).release(state=state, due_at=now) == 1

    row = rows.get()
    assert (row.lease, row.lease_until, row.state) == (None, None, state)
    assert not rows.held(pk=row.pk, lease=None).exists()
    assert claimed(rows, now)


@pytest.mark.parametrize("half", ["lease", "lease_until"])
def test_the_database_refuses_half_a_lease(rows, now, half):
    wrong = {"lease": uuid.uuid4(), "lease_until": now}[half]
    with pytest.raises(IntegrityError, match="_lease_"), transaction.atomic():
        rows.update(**{half: wrong})
    claimed(rows, now)
    with pytest.raises(IntegrityError, match="_lease_"), transaction.atomic():
        rows.update(**{half: None})
