"""Tests of the counting salts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.core.cache import cache

from analytics.salts import AUDIENCE_DAYS, SALT_BYTES, CachedSalts, SaltStore

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "salts"


class TestAt:
    def test_r72_makes_a_random_salt_that_only_we_can_read(self, folder, tmp_path):
        salts = SaltStore(folder).at(NOON)

        assert len(salts.current) == SALT_BYTES
        assert salts.previous is None
        assert (folder / "2026-03-14").stat().st_mode & 0o777 == 0o600
        assert SaltStore(tmp_path / "elsewhere").at(NOON).current != salts.current

    def test_is_the_same_for_all_processes_and_after_a_restart(self, folder):
        with ThreadPoolExecutor(16) as pool:
            found = set(pool.map(lambda _: SaltStore(folder).at(NOON).current, range(64)))

        assert len(found) == 1
        assert SaltStore(folder).at(NOON + timedelta(hours=11)).current in found

    def test_keeps_yesterdays_as_the_previous_one(self, folder):
        store = SaltStore(folder)
        first = store.at(NOON)

        second = store.at(NOON + DAY)

        assert second.current != first.current
        assert second.previous == first.current

    def test_changes_at_midnight_utc_in_whatever_zone_the_time_is_given(self, folder):
        store = SaltStore(folder)
        before = store.at(datetime(2026, 3, 14, 23, 59, 59, tzinfo=UTC))

        after = store.at(datetime(2026, 3, 15, 1, 0, tzinfo=timezone(timedelta(hours=1))))

        assert after.previous == before.current

    def test_r72_destroys_what_is_older_than_yesterday(self, folder):
        store = SaltStore(folder)
        for days in range(4):
            store.at(NOON + days * DAY)

        assert sorted(path.name for path in folder.glob("2026*")) == ["2026-03-16", "2026-03-17"]

    def test_leaves_no_draft_behind(self, folder):
        SaltStore(folder).at(NOON)

        names = sorted(path.name for path in folder.iterdir())
        assert names == ["2026-03-14", "CACHEDIR.TAG", "audience-641"]

    def test_fails_when_the_salt_of_the_day_is_damaged(self, folder):
        folder.mkdir()
        (folder / "2026-03-14").write_bytes(b"short")

        with pytest.raises(OSError, match="damaged"):
            SaltStore(folder).at(NOON)


class TestDestroyOld:
    def test_works_on_a_day_without_listeners(self, folder):
        SaltStore(folder).at(NOON)

        assert SaltStore(folder).destroy_old(now=NOON + DAY) == 0
        assert SaltStore(folder).destroy_old(now=NOON + 2 * DAY) == 1
        assert SaltStore(folder).destroy_old(now=NOON + 2 * DAY) == 0
        assert not list(folder.glob("2026*"))

    def test_overwrites_before_it_removes(self, folder, tmp_path):
        SaltStore(folder).at(NOON)
        (tmp_path / "second name").hardlink_to(folder / "2026-03-14")

        SaltStore(folder).destroy_old(now=NOON + 2 * DAY)

        assert (tmp_path / "second name").read_bytes() == bytes(SALT_BYTES)

    def test_does_nothing_without_a_folder(self, folder):
        assert SaltStore(folder).destroy_old(now=NOON) == 0


class TestAudience:
    """contracts/analytics.md R74."""

    def test_r74_has_a_salt_of_its_own_for_32_days(self, folder):
        store = SaltStore(folder)
        first = store.at(NOON)
        later = [store.at(NOON + days * DAY) for days in range(1, AUDIENCE_DAYS + 1)]

        same = [salts for salts in later if salts.audience_period == first.audience_period]
        new = [salts for salts in later if salts.audience_period != first.audience_period]
        assert {salts.audience for salts in same} == {first.audience}
        assert {salts.audience_period for salts in new} == {first.audience_period + 1}
        assert {salts.previous_audience for salts in new} == {first.audience}
        assert first.audience not in {salts.current for salts in [first, *later]}

    def test_is_destroyed_after_the_period_that_follows(self, folder):
        SaltStore(folder).at(NOON)

        SaltStore(folder).destroy_old(now=NOON + AUDIENCE_DAYS * DAY)
        assert list(folder.glob("audience-*"))
        SaltStore(folder).destroy_old(now=NOON + 2 * AUDIENCE_DAYS * DAY)
        assert not list(folder.glob("audience-*"))


class TestMachines:
    @pytest.fixture
    def machines(self, tmp_path):
        cache.clear()
        return [SaltStore(tmp_path / name, shared=CachedSalts()) for name in ("one", "two")]

    def test_that_share_a_cache_use_the_same_salts(self, machines):
        first, second = (store.at(NOON) for store in machines)
        next_day = machines[1].at(NOON + DAY)

        assert second == first
        assert next_day.previous == first.current

    def test_keep_their_salt_when_the_cache_forgets(self, machines):
        before = machines[0].at(NOON)
        cache.clear()

        again = SaltStore(machines[0].folder, shared=CachedSalts()).at(NOON)

        assert again == before
        assert machines[1].at(NOON) == before

    def test_go_on_without_the_cache(self, machines, monkeypatch):
        def fail(*_args, **_kwargs):
            raise ConnectionError

        monkeypatch.setattr(cache, "add", fail)
        monkeypatch.setattr(cache, "get", fail)

        assert len(machines[0].at(NOON).current) == SALT_BYTES
