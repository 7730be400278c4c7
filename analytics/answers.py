"""The numbers as they are asked for: totals, series, top lists, listeners and funnels of an interval."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db.models import F, Sum

from analytics.batches import is_final
from analytics.bulk import read_rows
from analytics.models import (
    AccountDayApp,
    App,
    ChartNote,
    Counter,
    EpisodeDay,
    EpisodeTotal,
    FunnelDay,
    ListenerSet,
    ShowDay,
)
from analytics.moments import day_number
from analytics.reasons import BELOW_THRESHOLD, REPEAT, Reason, Step
from analytics.results import FIRSTS
from analytics.salts import AUDIENCE_DAYS, audience_period
from analytics.sketches import STANDARD_ERROR, ListenerHashes, union_count
from analytics.top_lists import heard_most
from analytics.windows import evidence_name
from episodes.models import Episode
from shows.models import Show

TOP = 10
#: Rows of the table of apps; what is smaller goes into "Other".
MOST_APPS = 20
OTHER = "Other"
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Interval:
    """[start, end) in UTC, of which whole days are answered: those that it touches."""

    start: datetime
    end: datetime

    @property
    def first(self) -> date:
        """The first day that it touches."""
        return self.start.date()

    @property
    def last(self) -> date:
        """The last day that it touches; the day before `first` when it is empty."""
        return (self.end - timedelta(microseconds=1)).date()

    @property
    def days(self) -> int:
        """How many days it touches."""
        return max(0, (self.last - self.first).days + 1)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the numbers go: counted up to `as_of`, and days from `open_from` on may still move (R54)."""

    as_of: datetime | None
    open_from: date


@dataclass(frozen=True, slots=True)
class TopEpisode:
    """One row of a top list."""

    episode_id: int
    title: str
    show_id: int
    show_title: str
    published_at: datetime | None
    downloads: int


@dataclass(frozen=True, slots=True)
class ShowNumbers:
    """E23."""

    episodes: int
    all_time: int
    last_30_days: int
    average: float
    deleted_episodes: int
    top: list[TopEpisode]
    trend: list[tuple[date, int]]
    evidence: str


@dataclass(frozen=True, slots=True)
class EpisodeNumbers:
    """E24; `firsts` and `complete` by the names of R52."""

    total: int
    series: list[tuple[date, int]]
    firsts: dict[str, int]
    complete: dict[str, bool]
    evidence: str


@dataclass(frozen=True, slots=True)
class AccountNumbers:
    """E25; `series` holds (start of the period, downloads)."""

    total: int
    series: list[tuple[date, int]]
    shows: list[tuple[int, str, int]]
    deleted_shows: int
    top: list[TopEpisode]
    evidence: str


@dataclass(frozen=True, slots=True)
class AppRow:
    """One row of the table of apps; `share` in tenths of a percent."""

    name: str
    downloads: int
    listeners: int
    share: int


@dataclass(frozen=True, slots=True)
class ListenerNumbers:
    """E26."""

    listeners: int
    downloads: int
    apps: list[AppRow]
    is_exact: bool
    is_upper_bound: bool
    evidence: str

    @property
    def standard_error(self) -> float:
        """Relative, 0 where every listener was told apart (R58)."""
        return 0.0 if self.is_exact else round(STANDARD_ERROR, 4)


def notes_between(first: date, last: date) -> list[ChartNote]:
    """What operators pinned to the days of a chart, in order (R80)."""
    return list(ChartNote.objects.filter(day__gte=first, day__lte=last).order_by("day", "pk")[:100])


def standing(*, now: datetime) -> Standing:
    """How far the numbers go at `now`."""
    as_of = Counter.objects.values_list("counted_at", flat=True).filter(pk=1).first()
    day = now.astimezone(UTC).date()
    while is_final(day_number(day - DAY), now_ms=int(now.timestamp() * 1_000)) is False:
        day -= DAY
    return Standing(as_of, day)


def show_numbers(show: Show, *, now: datetime, is_full: bool) -> ShowNumbers:
    """The numbers of one show; top list and trend only where the plan shows them."""
    today = now.astimezone(UTC).date()
    month = ShowDay.objects.filter(show_id=show.pk).between(today - 29 * DAY, today)
    total = EpisodeTotal.objects.of_show(show.pk).aggregate(
        downloads=Sum("downloads"), delivered=Sum("delivered")
    )
    all_time = total["downloads"] or 0
    episodes = Episode.objects.filter(show_id=show.pk).count()
    by_day = month.by_day()
    living = EpisodeTotal.objects.filter(
        episode_id__in=Episode.objects.filter(show_id=show.pk).values("pk")
    )
    return ShowNumbers(
        episodes=episodes,
        all_time=all_time,
        last_30_days=sum(by_day.values()),
        average=round(all_time / episodes, 1) if episodes else 0.0,
        deleted_episodes=all_time - living.total(),
        top=_top_of_show(show) if is_full else [],
        trend=_filled(by_day, today - 29 * DAY, today) if is_full else [],
        evidence=evidence_name(all_time, total["delivered"] or 0),
    )


def episode_numbers(episode: Episode, *, now: datetime) -> EpisodeNumbers:
    """The numbers of one episode; the series starts on its first public day, 30 days back at most."""
    today = now.astimezone(UTC).date()
    total = EpisodeTotal.objects.filter(pk=episode.pk).first() or EpisodeTotal()
    published = episode.published_at
    first = today - 29 * DAY
    if published is not None:
        first = max(first, published.astimezone(UTC).date())
    by_day = EpisodeDay.objects.filter(episode_id=episode.pk).between(first, today).by_day()
    return EpisodeNumbers(
        total=total.downloads,
        series=_filled(by_day, first, today),
        firsts={name: getattr(total, name) for name, _days in FIRSTS},
        complete={
            name: published is not None and now >= published + timedelta(days=days)
            for name, days in FIRSTS
        },
        evidence=evidence_name(total.downloads, total.delivered),
    )


def account_numbers(
    account_id: int, interval: Interval, *, period: str, is_full: bool
) -> AccountNumbers:
    """The numbers of all shows of an account, deleted ones included in the totals (R55)."""
    first, last = interval.first, interval.last
    of_shows = ShowDay.objects.of_account(account_id).between(first, last)
    # Before the days: what is counted meanwhile must not make the shows more than all of them.
    by_show = of_shows.by_show() if is_full else []
    by_day = AccountDayApp.objects.of_account(account_id).between(first, last).by_day()
    series: dict[date, int] = defaultdict(int)
    for day, amount in by_day.items():
        series[period_start(day, period)] += amount
    total = sum(by_day.values())
    delivered = sum(sent for _id, _amount, sent in by_show) if is_full else of_shows.delivered()
    shows = _living(by_show, account_id) if is_full else []
    return AccountNumbers(
        total=total,
        series=[(start, series[start]) for start in _starts(interval, period)],
        shows=shows,
        deleted_shows=total - sum(amount for _id, _title, amount in shows) if is_full else 0,
        top=_top_of_account(account_id, interval) if is_full else [],
        evidence=evidence_name(total, delivered),
    )


def listener_numbers(account_id: int, interval: Interval) -> ListenerNumbers:
    """Distinct listeners of an account, in all and by app; apps part them, so they add up (R58)."""
    first, last = interval.first, interval.last
    downloads = AccountDayApp.objects.of_account(account_id).between(first, last).by_app()
    counted = _listeners(account_id, first, last)
    names = dict(App.objects.filter(pk__in=downloads).values_list("pk", "name"))
    rows = [
        # A sketch may err; no more listeners than downloads is known for sure (R56).
        (names.get(app, OTHER), amount, min(counted.get(app, (0, True))[0], amount))
        for app, amount in downloads.items()
    ]
    total = sum(downloads.values())
    of_shows = ShowDay.objects.of_account(account_id).between(first, last)
    delivered = of_shows.delivered() if total else 0
    return ListenerNumbers(
        listeners=sum(row[2] for row in rows),
        downloads=total,
        apps=_app_rows(rows, total),
        is_exact=all(exact for _number, exact in counted.values()),
        is_upper_bound=interval.days > AUDIENCE_DAYS,
        evidence=evidence_name(total, delivered),
    )


def episode_funnel(episode_id: int, day: date) -> dict[str, int]:
    """From hits to downloads of one episode and day; the steps add up (R77)."""
    rows = FunnelDay.objects.filter(episode_id=episode_id, day=day).values_list("step", "amount")
    steps = dict(rows)
    eligible = steps.get(Step.ELIGIBLE.value, 0)
    sessions = steps.get(Step.SESSIONS.value, 0)
    downloads = steps.get(Step.DOWNLOADS.value, 0)
    burst = steps.get(Step.BURST.value, 0)
    removed = {reason.value: steps.get(reason.value, 0) for reason in Reason}
    return {
        "hits": sum(removed.values()) + eligible,
        **removed,
        Step.ELIGIBLE.value: eligible,
        REPEAT: eligible - sessions,
        Step.SESSIONS.value: sessions,
        BELOW_THRESHOLD: sessions - downloads - burst,
        Step.BURST.value: burst,
        Step.DOWNLOADS.value: downloads,
    }


def period_start(day: date, period: str) -> date:
    """The first day of the day's period: ISO weeks start on Monday (R50)."""
    if period == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if period == "month" else day


def percent_tenths(amounts: list[int], total: int) -> list[int]:
    """Shares in tenths of a percent that add up to 1,000: the last row takes what is left (R47)."""
    if not amounts or total <= 0:
        return [0] * len(amounts)
    shares = [(2_000 * amount + total) // (2 * total) for amount in amounts]
    left = 1_000 - sum(shares[:-1])
    if left < 0:
        # So many rows were rounded up that nothing would be left: round down instead.
        shares = [1_000 * amount // total for amount in amounts]
        left = 1_000 - sum(shares[:-1])
    return [*shares[:-1], left]


def _filled(by_day: dict[date, int], first: date, last: date) -> list[tuple[date, int]]:
    days = (last - first).days + 1
    return [(day, by_day.get(day, 0)) for day in (first + n * DAY for n in range(days))]


def _starts(interval: Interval, period: str) -> list[date]:
    starts: list[date] = []
    for number in range(interval.days):
        start = period_start(interval.first + number * DAY, period)
        if not starts or start != starts[-1]:
            starts.append(start)
    return starts


def _top_of_show(show: Show) -> list[TopEpisode]:
    mine = Episode.objects.filter(show_id=show.pk).published()
    amounts = dict(
        EpisodeTotal.objects.filter(show_id=show.pk, downloads__gt=0).values_list("pk", "downloads")
    )
    rows = sorted(
        mine.filter(pk__in=_most(amounts)).values_list("pk", "title", "published_at"),
        key=lambda row: _rank(amounts[row[0]], row[2], row[0]),
    )
    return [
        TopEpisode(pk, title, show.pk, show.title, published, amounts[pk])
        for pk, title, published in rows[:TOP]
    ]


def _rank(downloads: int, published_at: datetime | None, pk: int) -> tuple[float, ...]:
    """Most downloads first, then the newer one, then the higher id (R53)."""
    return -downloads, -published_at.timestamp() if published_at else 0.0, -pk


def _most(amounts: dict[int, int]) -> list[int]:
    """Ids that may belong to the top, deleted and tied ones among them."""
    return sorted(amounts, key=lambda pk: -amounts[pk])[: 20 * TOP]


def _top_of_account(account_id: int, interval: Interval) -> list[TopEpisode]:
    amounts = heard_most(account_id, first=interval.first, last=interval.last, most=TOP)
    rows = (
        Episode.objects.filter(pk__in=amounts)
        .published()
        .annotate(show_title=F("show__title"))
        .values_list("pk", "title", "show_id", "show_title", "published_at")
    )
    ordered = sorted(rows, key=lambda row: _rank(amounts[row[0]], row[4], row[0]))
    return [TopEpisode(*row, amounts[row[0]]) for row in ordered[:TOP]]


def _living(by_show: Iterable[tuple[int, int, int]], account_id: int) -> list[tuple[int, str, int]]:
    """(id, title, downloads) of the shows that were not deleted."""
    titles = dict(Show.objects.filter(account_id=account_id).values_list("pk", "title"))
    return [(pk, titles[pk], amount) for pk, amount, _sent in by_show if pk in titles]


def _listeners(account_id: int, first: date, last: date) -> dict[int, tuple[int, bool]]:
    """Distinct listeners by app, and whether that is exact.

    Two neighbouring audience periods are compared under the salt of the older one, which makes one
    identity of each listener. More than two cannot be: their numbers are added.
    """
    sums: dict[int, tuple[int, bool]] = {}
    days = ListenerSet.objects.filter(account_id=account_id, day__gte=first, day__lte=last)
    # A period without listeners has no salt that the next one was hashed with.
    waiting = sorted(
        {audience_period(day) for day in days.values_list("day", flat=True).distinct()}
    )
    while waiting:
        period = waiting[0]
        waiting = [one for one in waiting if one > period + 1]
        rows = ListenerSet.objects.filter(
            account_id=account_id, day__gte=first, day__lte=last, period=period
        ).filter(day__gte=_period_day(period), day__lt=_period_day(period + 2))
        held: dict[int, list[ListenerHashes]] = defaultdict(list)
        columns = rows.values_list("app_id", "members", "is_sketch")
        for app, members, is_sketch in read_rows(columns):
            held[app].append(ListenerHashes(members, is_sketch=is_sketch))
        for app, sets in held.items():
            number, exact = union_count(sets)
            before, was_exact = sums.get(app, (0, True))
            sums[app] = (before + number, was_exact and exact)
    return sums


def _period_day(period: int) -> date:
    return date(1970, 1, 1) + timedelta(days=period * AUDIENCE_DAYS)


def _app_rows(rows: Iterable[tuple[str, int, int]], total: int) -> list[AppRow]:
    """Most downloads first, then by name; small and unknown apps together last, as "Other"."""
    ordered = sorted(rows, key=lambda row: (-row[1], row[0]))
    named = [row for row in ordered if row[0] != OTHER]
    shown, rest = named[: MOST_APPS - 1], named[MOST_APPS - 1 :]
    rest += [row for row in ordered if row[0] == OTHER]
    if rest:
        shown.append((OTHER, sum(row[1] for row in rest), sum(row[2] for row in rest)))
    shares = percent_tenths([row[1] for row in shown], total)
    return [AppRow(*row, share) for row, share in zip(shown, shares, strict=True)]
