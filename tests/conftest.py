"""Fixtures that every test may ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import pytest_django
from django.conf import settings
from django.db import connection, transaction
from django.test import TransactionTestCase
from rest_framework.test import APIClient

from accounts.models import Account
from analytics import shipping
from edge.door import forget_everything
from keys.services import IssuedKey, issue_first_key
from shows.models import Show
from shows.services import ShowDraft, create_show
from tests.client_addresses import (
    check_files,
    check_folders,
    check_postgresql,
    come_from_known_addresses,
)
from tests.one_chain import share_middleware
from tests.together import Together

NOW = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
#: Asking for one of these is the only way to the database; pytest-django closes every other one.
DATABASE_FIXTURES = frozenset({"db", "transactional_db", "django_db_setup"})
#: Tables with a row for each model and permission of ours.
FILLED_BY_MIGRATIONS = frozenset({"django_content_type", "auth_permission"})
#: Where tests start processes of their own on both servers, or reach the broker and the cache.
REACHING_SERVERS = (
    "config/test_celery.py",
    "flows/",
    "core/test_probes.py",
    "core/test_queue.py",
    "core/test_throttles.py",
)

come_from_known_addresses()
share_middleware()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--only-with-servers",
        action="store_true",
        help="Leave out what neither database nor broker can change: for the run after the first.",
    )
    parser.addoption(
        "--full-drills",
        action="store_true",
        help="Drills at full length and size: a minute of changes, 300 episodes due, 1,000 narrations,"
        " 10,000 connections.",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("only_with_servers"):
        left_out = [item for item in items if not _reaches_a_server(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if _reaches_a_server(item)]
    items[:] = _slow_ones_early(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    return Together(config, log)


def _slow_ones_early(items: list[pytest.Item]) -> list[pytest.Item]:
    """Spread the slow tests over the first three quarters, in the order that chance gave them.

    Beside one that waits another process has quick ones to do, and none is left alone with a slow
    one at the end.
    """
    slow = [item for item in items if item.get_closest_marker("slow")]
    quick = [item for item in items if not item.get_closest_marker("slow")]
    stretch = len(quick) * 3 // 4 // max(1, len(slow))
    spread = []
    for number, item in enumerate(slow):
        spread += [item, *quick[number * stretch : (number + 1) * stretch]]
    return spread + quick[len(slow) * stretch :]


def _reaches_a_server(item: pytest.Item) -> bool:
    path = item.path.relative_to(Path(__file__).parent).as_posix()
    asks = DATABASE_FIXTURES.intersection(getattr(item, "fixturenames", ()))
    if item.get_closest_marker("once"):
        return False
    return (
        bool(asks)
        or item.get_closest_marker("django_db") is not None
        or path.startswith(REACHING_SERVERS)
    )


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """SQLite in a file, as in production: in memory, threads share locks that files do not have.

    Fifty threads of a test get their turn however slow the machine is, and nobody waits for the disk:
    nothing here is to survive the machine.
    """
    options = connection.settings_dict["OPTIONS"]
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = str(settings.DATA_DIR / "test.sqlite3")
        options["timeout"] = 200
        options["init_command"] += "PRAGMA synchronous=OFF;"
    else:
        options["connect_timeout"] = 100


@pytest.fixture(autouse=True)
def _empty_door() -> None:
    """Ids come again in every test, and no test may find what another one published."""
    forget_everything()


@pytest.fixture(autouse=True)
def _no_forwarding_afterwards() -> Iterator[None]:
    """Segments are sealed and forwarded seconds after their hits: into the middle of other tests.

    What is left would ship them to the store of such a test, ring for the counter and log.
    """
    yield
    while shipping._held:
        shipping._held.popitem()[1].close()


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker
) -> Iterator[None]:
    """After a test, empty only what holds rows: all tables, one after the other, take far longer.

    In the end the sessions of threads that serve requests go, or the database could not be dropped.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _case: _empty_tables())
        yield
    name = str(connection.settings_dict["NAME"])
    if connection.vendor != "postgresql":
        check_files(Path(name).parent.glob(f"{Path(name).name}*"))
        return
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        check_postgresql(cursor.connection, name)
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def _empty_tables() -> None:
    tables = _tables_to_empty()
    look = " UNION ALL ".join(
        f"SELECT {number} WHERE EXISTS (SELECT 1 FROM {name})"  # noqa: S608 - names of our tables
        for number, name in enumerate(tables)
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(look)
        filled = [tables[number] for (number,) in cursor.fetchall()]
        # What refers to a row goes with it, so nothing has to be checked on the way.
        if filled and connection.vendor == "postgresql":
            cursor.execute("SET LOCAL session_replication_role = replica")
        for name in filled:
            cursor.execute(f"DELETE FROM {name}")  # noqa: S608 - the same


@cache
def _tables_to_empty() -> list[str]:
    """Quoted names of all tables but those that migrations fill, and no test changes."""
    found = connection.introspection.django_table_names(include_views=False)
    return [connection.ops.quote_name(name) for name in found if name not in FILLED_BY_MIGRATIONS]


@pytest.fixture(scope="session", autouse=True)
def _no_address_is_kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """After all tests of this process: no instance of theirs has kept where a client came from."""
    yield
    check_folders([settings.DATA_DIR, tmp_path_factory.getbasetemp()])


@pytest.fixture(autouse=True)
def _only_loopback(socket_disabled_except_loopback: None) -> None:
    """No test may reach the network."""


@pytest.fixture
def socket_disabled_except_loopback() -> object:
    import pytest_socket  # noqa: PLC0415 - only this fixture needs it

    pytest_socket.socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)
    yield
    pytest_socket._remove_restrictions()


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def issued(transactional_db: None, now: datetime) -> IssuedKey:
    """A full-access key of a fresh account on the default plan."""
    return issue_first_key(name="owner", email=None, scopes=None, now=now)


@pytest.fixture
def owner(issued: IssuedKey) -> Account:
    return issued.key.account


@pytest.fixture
def client_for() -> Callable[[str], APIClient]:
    """An API client that sends the given secret as its bearer key."""

    def make(secret: str) -> APIClient:
        client = APIClient(raise_request_exception=False)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
        return client

    return make


@pytest.fixture
def owner_client(issued: IssuedKey, client_for: Callable[[str], APIClient]) -> APIClient:
    return client_for(issued.secret)


@pytest.fixture
def stranger_client(
    transactional_db: None, now: datetime, client_for: Callable[[str], APIClient]
) -> APIClient:
    """A client of another account, to whom nothing of the owner's exists."""
    return client_for(issue_first_key(name="stranger", email=None, scopes=None, now=now).secret)


@pytest.fixture
def anonymous_client(transactional_db: None) -> APIClient:
    return APIClient(raise_request_exception=False)


@pytest.fixture
def show(owner: Account, now: datetime) -> Show:
    return create_show(account=owner, draft=ShowDraft(title="Daily AI Briefing"), now=now)
