"""Which tests run in one process, one after the other: those that share what starts or loads slowly."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

#: Beginnings of node ids; the first that fits names the group.
GROUPS = (
    "tests/analytics/rules/test_machines_and_names.py",
    "tests/clients/test_hostile.py",
    "tests/clients/test_killed_server.py",
    "tests/clients/",
    "tests/edge/test_nginx.py",
    "tests/episodes/test_object_store.py",
    "tests/flows/test_narration.py::TestReading",
    "tests/flows/test_podclaw_page.py",
    "tests/production/test_mastering.py",
    "tests/production/test_voices",
    "tests/studio/writers/test_local_model.py",
)


class Together(LoadScopeScheduling):
    """Sends groups as a whole, and every other test by itself, to whichever process is free.

    What xdist has for it, `loadgroup`, does nothing without a word since pytest 9.2
    (pytest-xdist issue 1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((group for group in GROUPS if nodeid.startswith(group)), nodeid)
