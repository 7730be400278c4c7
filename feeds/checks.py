"""The twelve pre-flight checks of going live (contracts/podclaw.md E22): pure rules over what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from uuid import UUID

from feeds.probing import Probe
from shows.categories import category_path
from shows.models import Show

TITLE_CHARACTERS = 150
DESCRIPTION_CHARACTERS = 4_000
#: How far a stored length may be off.
LENGTH_TOLERANCE = 0.05
_SHOWN_PROBLEMS = 3
_SHOWN_TITLE = 60


@dataclass(frozen=True, slots=True)
class PublishedFacts:
    """One published episode; `length` is the stored one, `probe` None beyond the cap of probes."""

    guid: UUID
    title: str
    published_at: datetime | None
    length: int | None
    probe: Probe | None


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything the checks look at beside the show's own fields.

    `known_email` is of billing or of the account, and in no feed. `trailer_problem` says why there is
    neither a published episode nor going to be a trailer.
    """

    owner_email: str | None
    known_email: str | None
    cover: Probe
    published: Sequence[PublishedFacts]
    will_make_trailer: bool
    trailer_problem: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One result; `detail` is the reason of a failure, else a note or ""."""

    name: str
    passed: bool
    detail: str = ""

    def as_object(self) -> dict[str, object]:
        """As the answer shows it."""
        shown: dict[str, object] = {"check": self.name, "passed": self.passed}
        return {**shown, "detail": self.detail} if self.detail else shown


def run_checks(show: Show, found: Findings) -> list[Check]:
    """Twelve results in the order of the contract's table."""
    return [
        _text("title", show.title, most=TITLE_CHARACTERS),
        _text("description", show.description, most=DESCRIPTION_CHARACTERS),
        _check("author_present", "" if show.author else "Set author on the show"),
        _owner(found),
        _check("category_valid", _category_problem(show.category)),
        _probed("cover_art_valid", [("The cover", found.cover)]),
        _episodes(found),
        _reachable(found.published),
        _check("rss_ready", _missing_fields(show)),
        _lengths(found.published),
        _check("pubdate_rfc2822", _date_problems(found.published)),
        _check("guids_unique_and_stable", _guid_problem(found.published)),
    ]


def _check(name: str, problem: str) -> Check:
    return Check(name, not problem, problem)


def _text(field: str, text: str | None, *, most: int) -> Check:
    if not text:
        return Check(f"{field}_present", passed=False, detail=f"Set {field} on the show")
    if len(text) > most:
        reason = f"The {field} has {len(text):,} characters; the limit is {most:,}"
        return Check(f"{field}_length", passed=False, detail=reason)
    return Check(f"{field}_present", passed=True)


def _owner(found: Findings) -> Check:
    name = "owner_email_present"
    if found.owner_email:
        return Check(name, passed=True)
    if found.known_email:
        note = (
            "Your own address is known, and is not shown in the feed; set owner_email on the show if a "
            "directory is to verify by it"
        )
        return Check(name, passed=True, detail=note)
    reason = "Set owner_email on the show, or activate a billing plan"
    return Check(name, passed=False, detail=reason)


def _category_problem(category: str | None) -> str:
    if not category:
        return "Set category on the show to one of Apple's, such as Technology"
    if category_path(category) is None:
        return f'"{category}" is not in Apple\'s official category list'
    return ""


def _episodes(found: Findings) -> Check:
    name = "has_episodes_or_will_generate_trailer"
    if found.published:
        return Check(name, passed=True)
    if found.will_make_trailer and not found.trailer_problem:
        return Check(name, passed=True, detail="A trailer is made of the title and the description")
    return Check(name, passed=False, detail=found.trailer_problem)


def _reachable(published: Sequence[PublishedFacts]) -> Check:
    probed = [(f'"{_short(e.title)}"', e.probe) for e in published if e.probe is not None]
    check = _probed("audio_urls_reachable", probed)
    if check.passed and not check.detail and len(probed) < len(published):
        return Check(
            check.name,
            passed=True,
            detail=f"The newest {len(probed)} of {len(published)} episodes were looked at",
        )
    return check


def _probed(name: str, probes: Sequence[tuple[str, Probe]]) -> Check:
    problems = [f"{what}: {probe.problem}" for what, probe in probes if probe.problem]
    if problems:
        return Check(name, passed=False, detail=_joined(problems))
    notes = [f"{what} {probe.note}" for what, probe in probes if probe.note]
    return Check(name, passed=True, detail=_joined(notes))


def _missing_fields(show: Show) -> str:
    fields = {
        "title": show.title,
        "description": show.description,
        "author": show.author,
        "category": show.category,
        "image_url": show.cover_url,
    }
    missing = [name for name, value in fields.items() if not value]
    return f"Missing on the show: {', '.join(missing)}" if missing else ""


def _lengths(published: Sequence[PublishedFacts]) -> Check:
    problems, unknown = [], 0
    for episode in published:
        probe = episode.probe
        if probe is None or probe.problem:
            continue
        if probe.size is None:
            unknown += 1
        elif probe.size == 0:
            problems.append(f'"{_short(episode.title)}": the file is empty')
        elif episode.length is not None and _is_off(episode.length, probe.size):
            problems.append(
                f'"{_short(episode.title)}": audio_length is {episode.length:,}, the file has '
                f"{probe.size:,} bytes"
            )
    note = f"The size of {unknown} files could not be measured" if unknown else ""
    return Check("enclosure_length_accurate", not problems, _joined(problems) or note)


def _is_off(length: int, size: int) -> bool:
    return abs(length - size) > LENGTH_TOLERANCE * size


def _date_problems(published: Sequence[PublishedFacts]) -> str:
    return _joined([f'"{_short(e.title)}": no valid date' for e in published if not _has_date(e)])


def _has_date(episode: PublishedFacts) -> bool:
    moment = episode.published_at
    if moment is None:
        return False
    return parsedate_to_datetime(format_datetime(moment)) == moment.replace(microsecond=0)


def _guid_problem(published: Sequence[PublishedFacts]) -> str:
    doubles = len(published) - len({episode.guid for episode in published})
    return f"{doubles} episodes share a guid with another one" if doubles else ""


def _short(title: str) -> str:
    return title if len(title) <= _SHOWN_TITLE else title[: _SHOWN_TITLE - 1] + "…"


def _joined(problems: Sequence[str]) -> str:
    shown = list(problems[:_SHOWN_PROBLEMS])
    if len(problems) > _SHOWN_PROBLEMS:
        shown.append(f"and {len(problems) - _SHOWN_PROBLEMS} more")
    return "; ".join(shown)
