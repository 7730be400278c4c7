"""What must be so before anything starts: a DATA_DIR of our own with a secret key, and a free port."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.env import BadSetting, ensure_secret_key

#: After a kill -9 the children of the old `up` need up to a second to notice, on a busy machine more.
PORT_PATIENCE_SECONDS = 5.0


def prepare_data_dir(data_dir: Path) -> None:
    """Make DATA_DIR (owner only) and its secret key; raises `BadSetting` if it cannot be written."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = data_dir / f".write-test-{os.getpid()}"
        probe.touch()
        probe.unlink()
        ensure_secret_key(data_dir)
    except OSError as error:
        raise BadSetting(f"DATA_DIR {data_dir} cannot be written ({error.strerror}).") from None


@contextmanager
def hold_data_dir(data_dir: Path) -> Iterator[None]:
    """Be the only `up` on this DATA_DIR; raises `BadSetting` if another one runs."""
    path = data_dir / "up.lock"
    with path.open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise BadSetting(
                f"Podwright already runs on DATA_DIR {data_dir} (process {file.read().strip()})."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def require_free_port(host: str, port: int) -> None:
    """Raise `BadSetting` unless HOST and PORT can be bound, waiting for an old owner to vanish."""
    deadline = time.monotonic() + PORT_PATIENCE_SECONDS
    while True:
        try:
            _bind_once(host, port)
        except UnicodeError:
            raise BadSetting(f"HOST {host[:60]!r} is not the name of a host.") from None
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise BadSetting(
                    f"HOST {host}, PORT {port} cannot be used ({error.strerror})."
                ) from None
            if time.monotonic() > deadline:
                raise BadSetting(
                    f"PORT {port} on {host} is taken by another program; set PORT to a free one."
                ) from None
            time.sleep(0.1)
        else:
            return


def answers(host: str, port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=0.2):
            return True
    except OSError:
        return False


def _bind_once(host: str, port: int) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        # Connections of the last run that still linger do not take the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
