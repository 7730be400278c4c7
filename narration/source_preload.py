"""Imported once by the process that readers are forked from: what each of them would load again."""

from __future__ import annotations

from narration import source_process
from narration.languages import loaded_identifier

__all__ = ["source_process"]

loaded_identifier()
