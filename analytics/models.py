"""What counting keeps: its position, the state of open windows, counted downloads and their sums.

Shows, episodes and accounts are plain numbers here: history outlives what it tells of (R55).
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from analytics.agent_lists import AgentKind
from analytics.querysets import (
    AccountDayAppQuerySet,
    EpisodeDayQuerySet,
    EpisodeTotalQuerySet,
    ShowDayQuerySet,
)
from core.text import has_text

_DELIVERED, _REQUESTED = 1, 2


class Counter(models.Model):
    """The one ordered counter: `batches` is its position, changed only with the results of a batch."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    batches = models.PositiveBigIntegerField(default=0)
    hits = models.PositiveBigIntegerField(default=0)
    bad_lines = models.PositiveBigIntegerField(default=0)
    last_hit_at = models.DateTimeField(null=True, blank=True)
    counted_at = models.DateTimeField(null=True, blank=True)
    watched_at = models.DateTimeField(null=True, blank=True)
    owner = models.CharField(max_length=32, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "counter"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="counter_only_one")]

    def __str__(self) -> str:
        return f"{self.batches} batches"


class Segment(models.Model):
    """A part of the hit stream that was counted: the same name is never counted again (R63)."""

    name = models.CharField(max_length=100, primary_key=True)
    hits = models.PositiveIntegerField()
    bad_lines = models.PositiveIntegerField()
    counted_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=has_text("name"), name="segment_has_name"),
        ]

    def __str__(self) -> str:
        return self.name


class BadLine(models.Model):
    """A line that is no hit, put aside with its place and what is wrong (R67)."""

    segment = models.CharField(max_length=100)
    line = models.PositiveIntegerField()
    error = models.CharField(max_length=200)
    found_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["segment", "line"], name="badline_once"),
        ]

    def __str__(self) -> str:
        return f"{self.segment}:{self.line}"


class Window(models.Model):
    """One listener and one episode on one UTC day, kept until the day is final.

    `touches` and `carried` are what sessions.py packs; `counted` lists the downloads that came of it.
    """

    listener = models.BinaryField(max_length=16)
    previous_listener = models.BinaryField(max_length=16, null=True, blank=True)
    playback_session = models.BinaryField(max_length=16, null=True, blank=True)
    network = models.BinaryField(max_length=8, null=True, blank=True)
    previous_network = models.BinaryField(max_length=8, null=True, blank=True)
    episode_id = models.BigIntegerField()
    day = models.DateField(db_index=True)
    touches = models.BinaryField()
    who = models.BinaryField()
    carried = models.BinaryField(null=True, blank=True)
    counted = models.BinaryField()
    is_burst = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["listener", "episode_id"], name="window_once"),
        ]
        indexes = [
            # The windows of the day after, when hits of the day before come late.
            models.Index(
                fields=["previous_listener", "episode_id"],
                condition=Q(previous_listener__isnull=False),
                name="window_next_day",
            ),
            # One playback over several addresses, where that is joined (R31).
            models.Index(
                fields=["playback_session", "episode_id"],
                condition=Q(playback_session__isnull=False),
                name="window_playback",
            ),
        ]

    def __str__(self) -> str:
        return f"episode {self.episode_id} on {self.day}"


class App(models.Model):
    """A name that downloads are broken down by."""

    name = models.CharField(max_length=100, unique=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=has_text("name"), name="app_has_name")]

    def __str__(self) -> str:
        return self.name


class Agent(models.Model):
    """An agent string and what the lists in force said of it; unknown ones are an operator's list."""

    digest = models.CharField(max_length=32, unique=True)
    user_agent = models.CharField(max_length=1_024)
    kind = models.CharField(max_length=11, choices=[(one.value, one.value) for one in AgentKind])
    app = models.ForeignKey(App, on_delete=models.PROTECT, related_name="agents")
    device = models.CharField(max_length=10, blank=True)
    is_watch = models.BooleanField(default=False)
    list_version = models.CharField(max_length=100)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=[one.value for one in AgentKind]), name="agent_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return self.user_agent


class AgentRule(models.Model):
    """An entry of the instance's own list, which comes before all others (R33)."""

    pattern = models.CharField(
        max_length=500, unique=True, help_text="A regular expression, searched in the User-Agent."
    )
    kind = models.CharField(max_length=11, choices=[(one.value, one.value) for one in AgentKind])
    name = models.CharField(max_length=100)
    note = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=has_text("pattern"), name="agentrule_has_pattern"),
            models.CheckConstraint(
                condition=Q(kind__in=[one.value for one in AgentKind]), name="agentrule_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class LoadedAgentList(models.Model):
    """A list that an operator loaded; the newest is in force (R43)."""

    version = models.CharField(max_length=100)
    sha256 = models.CharField(max_length=64)
    files = models.JSONField(help_text="The text of the six files by name.")
    loaded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=has_text("version"), name="loadedagentlist_has_version"
            ),
        ]

    def __str__(self) -> str:
        return self.version


class AudioFigures(models.Model):
    """What the threshold of an audio version rests on, kept beyond the audio for a recount (R15)."""

    asset_id = models.BigIntegerField(primary_key=True)
    bytes = models.PositiveBigIntegerField()
    header_bytes = models.PositiveIntegerField(null=True, blank=True)
    duration_seconds = models.FloatField(null=True, blank=True)
    noted_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "audio figures"
        constraints = [
            models.CheckConstraint(condition=Q(bytes__gt=0), name="audiofigures_bytes_positive"),
        ]

    def __str__(self) -> str:
        return f"asset {self.asset_id}"


class Download(models.Model):
    """One counted download. It names no listener; `fingerprint` only finds the row again."""

    class Evidence(models.IntegerChoices):
        DELIVERED = _DELIVERED, "delivered: its bytes were sent"
        REQUESTED = _REQUESTED, "requested: only the request was seen"

    started_at = models.DateTimeField(db_index=True)
    fingerprint = models.BigIntegerField()
    account_id = models.BigIntegerField()
    show_id = models.BigIntegerField()
    episode_id = models.BigIntegerField()
    app_id = models.BigIntegerField()
    evidence = models.PositiveSmallIntegerField(choices=Evidence.choices)
    device = models.CharField(max_length=10, blank=True)
    country = models.CharField(max_length=2, blank=True)
    as_number = models.BigIntegerField(default=0)
    source = models.CharField(max_length=255, blank=True)
    rules_version = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(evidence__in=[1, 2]), name="download_evidence_known"
            ),
        ]

    def __str__(self) -> str:
        return f"episode {self.episode_id} at {self.started_at}"


class EpisodeTotal(models.Model):
    """All downloads of one episode, and those of its first day, week and month (R52)."""

    episode_id = models.BigIntegerField(primary_key=True)
    show_id = models.BigIntegerField(db_index=True)
    account_id = models.BigIntegerField()
    published_at = models.DateTimeField(null=True, blank=True)
    downloads = models.PositiveBigIntegerField(default=0)
    delivered = models.PositiveBigIntegerField(default=0)
    first_24h = models.PositiveBigIntegerField(default=0)
    first_7d = models.PositiveBigIntegerField(default=0)
    first_30d = models.PositiveBigIntegerField(default=0)

    objects = EpisodeTotalQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(delivered__lte=F("downloads")), name="episodetotal_delivered_is_part"
            ),
        ]
        indexes = [
            # The episodes of one account from the most heard on: heard_first(account_id).
            models.Index(
                fields=["account_id", "-downloads", "episode_id"], name="episodetotal_heard"
            ),
        ]

    def __str__(self) -> str:
        return f"episode {self.episode_id}"


class ShowDay(models.Model):
    """Downloads of one show on one UTC day."""

    show_id = models.BigIntegerField()
    account_id = models.BigIntegerField()
    day = models.DateField()
    downloads = models.PositiveBigIntegerField(default=0)
    delivered = models.PositiveBigIntegerField(default=0)

    objects = ShowDayQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["show_id", "day"], name="showday_once"),
            models.CheckConstraint(
                condition=Q(delivered__lte=F("downloads")), name="showday_delivered_is_part"
            ),
        ]
        indexes = [
            # Series and shows of one account: filter(account_id, day range).
            models.Index(
                fields=["account_id", "day", "show_id", "downloads", "delivered"],
                name="showday_account",
            ),
        ]

    def __str__(self) -> str:
        return f"show {self.show_id} on {self.day}"


class EpisodeDay(models.Model):
    """Downloads of one episode on one UTC day."""

    episode_id = models.BigIntegerField()
    show_id = models.BigIntegerField()
    account_id = models.BigIntegerField()
    day = models.DateField()
    downloads = models.PositiveBigIntegerField(default=0)
    delivered = models.PositiveBigIntegerField(default=0)

    objects = EpisodeDayQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["episode_id", "day"], name="episodeday_once"),
            models.CheckConstraint(
                condition=Q(delivered__lte=F("downloads")), name="episodeday_delivered_is_part"
            ),
        ]
        indexes = [
            # The episodes of one account that were heard most: filter(account_id, day range).
            models.Index(
                fields=["account_id", "day", "episode_id", "downloads"], name="episodeday_account"
            ),
        ]

    def __str__(self) -> str:
        return f"episode {self.episode_id} on {self.day}"


class EpisodeDayApp(models.Model):
    """Downloads of one episode on one UTC day with one app."""

    episode_id = models.BigIntegerField()
    day = models.DateField()
    app_id = models.BigIntegerField()
    downloads = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["episode_id", "day", "app_id"], name="episodedayapp_once"
            ),
        ]

    def __str__(self) -> str:
        return f"episode {self.episode_id} on {self.day} with app {self.app_id}"


class AccountDayApp(models.Model):
    """Downloads of one account on one UTC day with one app."""

    account_id = models.BigIntegerField()
    day = models.DateField()
    app_id = models.BigIntegerField()
    downloads = models.PositiveBigIntegerField(default=0)

    objects = AccountDayAppQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account_id", "day", "app_id"], name="accountdayapp_once"
            ),
        ]

    def __str__(self) -> str:
        return f"account {self.account_id} on {self.day} with app {self.app_id}"


class FunnelDay(models.Model):
    """How many hits of an episode took one step on one UTC day (R77)."""

    episode_id = models.BigIntegerField()
    day = models.DateField()
    step = models.CharField(max_length=16)
    amount = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["episode_id", "day", "step"], name="funnelday_once"),
            models.CheckConstraint(condition=has_text("step"), name="funnelday_has_step"),
        ]
        indexes = [
            # What has had its time.
            models.Index(fields=["day"], name="funnelday_day"),
        ]

    def __str__(self) -> str:
        return f"{self.step} of episode {self.episode_id} on {self.day}"


class StepDay(models.Model):
    """How many hits of the whole instance took one step on one UTC day."""

    day = models.DateField()
    step = models.CharField(max_length=16)
    amount = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "step"], name="stepday_once"),
            models.CheckConstraint(condition=has_text("step"), name="stepday_has_step"),
        ]

    def __str__(self) -> str:
        return f"{self.step} on {self.day}"


class AgentDay(models.Model):
    """Hits of one agent on one UTC day, kept for the look at new ones (R80)."""

    digest = models.CharField(max_length=32)
    day = models.DateField(db_index=True)
    hits = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["digest", "day"], name="agentday_once"),
        ]

    def __str__(self) -> str:
        return f"{self.hits} hits on {self.day}"


class ListenerSet(models.Model):
    """The listeners of an account on one day with one app, hashed for one audience period (R57, R58)."""

    account_id = models.BigIntegerField()
    day = models.DateField()
    app_id = models.BigIntegerField()
    period = models.PositiveIntegerField(help_text="The 32-day period whose salt made the hashes.")
    is_sketch = models.BooleanField(default=False)
    members = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account_id", "period", "day", "app_id"], name="listenerset_once"
            ),
        ]

    def __str__(self) -> str:
        return f"account {self.account_id} on {self.day}"


class AccountHour(models.Model):
    """Downloads of one account in one hour, and how many of them the usage ledger has."""

    account_id = models.BigIntegerField()
    hour = models.DateTimeField()
    downloads = models.BigIntegerField(default=0)
    entered = models.BigIntegerField(default=0)
    entries = models.PositiveIntegerField(default=0)
    entered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account_id", "hour"], name="accounthour_once"),
        ]
        indexes = [
            # What the ledger does not have yet.
            models.Index(
                fields=["hour"], condition=~Q(downloads=F("entered")), name="accounthour_due"
            ),
        ]

    def __str__(self) -> str:
        return f"account {self.account_id} at {self.hour}"


class Audit(models.Model):
    """One comparison of the sums with a recount of the rows; it repairs nothing (R69)."""

    first_day = models.DateField()
    last_day = models.DateField()
    differences = models.JSONField(default=list)
    audited_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(first_day__lte=F("last_day")), name="audit_days_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_day} to {self.last_day}"


class Alert(models.Model):
    """Something that an operator should look at; it excludes and changes nothing (R41, R70, R80).

    `amount` is what was seen, `usual` what it is measured against, both in what the kind counts.
    """

    class Kind(models.TextChoices):
        SPIKE = "spike", "many more downloads of a show than before"
        DROP = "drop", "far fewer downloads of a show than before"
        NEW_AGENT = "new_agent", "a new agent makes over 1 % of all hits"
        REASON = "reason", "a reason removes many more hits than before"
        BUSY_ADDRESS = "busy_address", "one address makes very many downloads"
        LAG = "lag", "hits wait long to be counted"
        LOST = "lost", "hits could not be written"
        BAD_LINES = "bad_lines", "lines of hits were put aside"
        LOCAL = "local", "most hits come from home networks"
        AUDIT = "audit", "sums differ from a recount"

    kind = models.CharField(max_length=12, choices=Kind.choices)
    day = models.DateField()
    subject = models.CharField(max_length=300, blank=True)
    amount = models.PositiveBigIntegerField()
    usual = models.PositiveBigIntegerField()
    raised_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "day", "subject"], name="alert_once"),
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "spike",
                        "drop",
                        "new_agent",
                        "reason",
                        "busy_address",
                        "lag",
                        "lost",
                        "bad_lines",
                        "local",
                        "audit",
                    ]
                ),
                name="alert_kind_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.subject or 'all'}, {self.day})"


class ChartNote(models.Model):
    """What an operator pins to a day of the charts: a change of a platform, a move, a fault (R80)."""

    day = models.DateField(db_index=True)
    text = models.CharField(max_length=300)
    link = models.URLField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=has_text("text"), name="chartnote_has_text"),
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.text}"


class Rebuild(models.Model):
    """A recount from the kept hits: what it found, and whether it replaced the numbers (R43, R68)."""

    first_day = models.DateField()
    last_day = models.DateField()
    before = models.PositiveBigIntegerField()
    after = models.PositiveBigIntegerField()
    differences = models.JSONField(default=list)
    is_applied = models.BooleanField(default=False)
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(first_day__lte=F("last_day")), name="rebuild_days_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_day} to {self.last_day}"


class LogPosition(models.Model):
    """How far an access log was read; moves only with the results of what was read (R64)."""

    name = models.CharField(max_length=64, unique=True, help_text="A digest of the log's path.")
    inode = models.BigIntegerField()
    offset = models.PositiveBigIntegerField()
    read_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=has_text("name"), name="logposition_has_name"),
        ]

    def __str__(self) -> str:
        return self.name
