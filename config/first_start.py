"""What a new DATA_DIR needs before settings can be loaded: the folder itself and a secret key."""

from __future__ import annotations

import os
from pathlib import Path

from config.env import BadSetting, ensure_secret_key


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
