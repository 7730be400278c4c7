"""Feeds as files below DATA_DIR/public, each under the path of its address, for a web server to send.

A file is there only while it is the present one: a change takes it away before it is answered, and
the server then asks the door, which makes the feed and puts the file back.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

_LOCK = "shown.lock"
_ADDRESS = "shown"


def show_files(
    *,
    show_id: int,
    address: str,
    plain: Path,
    gzipped: Path,
    content_digest: str,
    is_current: Callable[[], bool],
) -> bool:
    """Let the web server send `plain` and `gzipped` at `address`, unless they are outdated by now."""
    folder = _folder(show_id)
    target = _public_folder() / address.lstrip("/")
    try:
        with _lock(folder):
            if not is_current():
                return False
            (folder / _ADDRESS).write_text(str(target), encoding="utf-8")
            target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            # nginx makes its ETag of a file's time and size: let the time stand for the content, or
            # two changes within a second would look the same.
            moment = int(content_digest[:8], 16) & 0x7FFFFFFF
            os.utime(plain, (moment, moment))
            os.utime(gzipped, (moment, moment))
            _replace_link(gzipped, target.with_name(f"{target.name}.gz"))
            _replace_link(plain, target)
    except OSError as error:
        # The web server asks the door for what is not there.
        log.warning("feed_not_shown", show_id=show_id, error=type(error).__name__)
        return False
    return True


def withdraw_files(show_id: int) -> None:
    """Take the show's feed out of the web server's sight; the stamp has changed already."""
    folder = _folder(show_id)
    if not folder.is_dir():
        return
    with _lock(folder), contextlib.suppress(FileNotFoundError):
        target = Path((folder / _ADDRESS).read_text(encoding="utf-8"))
        target.unlink(missing_ok=True)
        target.with_name(f"{target.name}.gz").unlink(missing_ok=True)
        (folder / _ADDRESS).unlink()


def _folder(show_id: int) -> Path:
    return Path(settings.DATA_DIR) / "feeds" / str(show_id)


def _public_folder() -> Path:
    return Path(settings.DATA_DIR) / "public"


def _replace_link(source: Path, target: Path) -> None:
    draft = target.with_name(f".{secrets.token_hex(8)}")
    os.link(source, draft)
    draft.replace(target)


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Showing and withdrawing take turns: what is shown after a withdrawal was looked at after it."""
    with (folder / _LOCK).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
