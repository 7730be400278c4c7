"""Every rule of contracts/analytics.md has a test named after it."""

from __future__ import annotations

import re
from pathlib import Path

RULES = 82


def test_each_rule_has_a_test_of_its_name():
    sources = [path.read_text(encoding="utf-8") for path in Path(__file__).parents[1].rglob("*.py")]
    named = {int(number) for text in sources for number in re.findall(r"def test_r(\d\d)_", text)}

    assert named == set(range(1, RULES + 1))
