"""Writes files of DATA_DIR that outlive a power failure, and are never seen in part."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_durably(path: Path, *content: bytes | memoryview) -> None:
    """Replace `path` as a whole by the pieces of `content` in their order.

    A crash leaves the old content or the new, never a part.
    """
    draft = path.with_name(f".{secrets.token_hex(8)}")
    try:
        with draft.open("xb") as file:
            file.writelines(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
