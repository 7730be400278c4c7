"""Removes the kept files of shows that are gone."""

from __future__ import annotations

import shutil
from pathlib import Path

from shows.models import Show


def sweep_feeds(folder: Path) -> int:
    """Remove the sub-folders of `folder` whose show does not exist; returns how many."""
    if not folder.is_dir():
        return 0
    kept = {path for path in folder.iterdir() if path.name.isascii() and path.name.isdigit()}
    known = set(Show.objects.values_list("pk", flat=True))
    gone = [path for path in kept if int(path.name) not in known]
    for path in gone:
        shutil.rmtree(path, ignore_errors=True)
    return len(gone)
