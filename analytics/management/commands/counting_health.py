"""`manage.py counting_health`: how counting fares, as JSON for whatever watches this instance (R70)."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from analytics.health import counting_health
from analytics.models import Alert


class Command(BaseCommand):
    help = "Print lag, waiting segments, lost hits, bad lines and open alerts as JSON."

    def handle(self, *args: Any, **options: Any) -> None:
        found = asdict(counting_health(now=timezone.now()))
        found["open_alerts"] = Alert.objects.filter(seen_at=None).count()
        self.stdout.write(json.dumps(found))
