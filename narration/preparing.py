"""Takes a narration from its source to a script: claim, fetch, extract, compose, hand to production."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath

import structlog
from django.db import transaction

from billing.services import lock_quota
from core.errors import Invalid, PodwrightError, Upstream
from core.storage import open_stored
from episodes.locking import lock_episode
from episodes.models import EpisodeDocument
from episodes.services import (
    StoredCover,
    describe_produced_episode,
    fail_production,
    set_production_state,
)
from episodes.states import ProductionState
from narration.extraction import Article, article_from_text
from narration.fetching import fetch_source
from narration.lead_image import lead_image_cover
from narration.limits import TextTooLong, require_acceptable_length
from narration.models import Narration
from narration.reading import lexicon_of, preferred_voice, reading_rules
from narration.source_reading import may_pass, read_file, read_html, read_page
from narration.tidying import Tidied, tidied_article
from production.composing import compose_script
from production.script import Script
from production.services import start_production
from production.voices.base import Voice
from production.voices.registry import voice_catalog

log = structlog.get_logger(__name__)

#: Longer than fetching and extracting take; a worker that dies is found out after it.
LEASE = timedelta(minutes=3)
#: How long to wait after each failure that may pass; then the narration fails for good.
RETRY_AFTER = (timedelta(seconds=10), timedelta(seconds=60))
MAX_ATTEMPTS = len(RETRY_AFTER) + 1
DESCRIPTION_LENGTH = 1_000
NO_AUTHOR = "Unknown"
#: From here on the language that was found counts more than the voice that was chosen.
SURE_CHARACTERS = 200


class VoiceForOtherLanguage(Invalid):
    """The chosen voice would read the text in a language that it is not in."""

    code = "voice_for_other_language"


class PreparingFailed(Upstream):
    """The work was begun several times and never came to an end."""

    code = "preparing_failed"


@dataclass(frozen=True, slots=True)
class _Prepared:
    """All that preparing found out; stored in one transaction."""

    title: str
    author: str
    description: str
    script: Script
    voice: Voice
    cover: StoredCover | None
    tidying: dict[str, object]


def prepare_narration(*, narration_id: int, now: datetime) -> bool:
    """Prepare the narration if it waits and is due; True when this call did the work.

    Safe to call twice and from several workers at once: one claims the row, the others leave. What
    goes wrong ends up on the row: as another attempt where that may help, else as the reason shown.
    """
    narration = _claim(narration_id=narration_id, now=now)
    if narration is None:
        return False
    if narration.attempts > MAX_ATTEMPTS:
        _fail(narration, _interrupted(), now=now)
        return True
    try:
        _hand_over(narration, _prepare(narration, now=now), now=now)
    except PodwrightError as error:
        _give_up_or_retry(narration, error, now=now)
    except Exception:
        # Pages are hostile: whatever breaks on one must not block the queue, nor be tried for ever.
        log.exception("narration_preparing_broke", narration_id=narration_id)
        _give_up_or_retry(narration, _interrupted(), now=now)
    return True


def due_narrations(*, now: datetime, limit: int) -> list[int]:
    """Ids of what waits and is due or was abandoned, longest waiting first."""
    return Narration.objects.claimable_ids(now=now, limit=limit)


def _claim(*, narration_id: int, now: datetime) -> Narration | None:
    waiting = Narration.objects.claimable(now=now).filter(pk=narration_id)
    episode_id = waiting.values_list("episode_id", flat=True).first()
    if episode_id is None:
        return None
    with transaction.atomic(durable=True):
        lock_episode(episode_id=episode_id)
        if not waiting.claim(now=now, lasting=LEASE, state=Narration.State.PREPARING):
            return None
        narration = Narration.objects.select_related("episode__show__account").get(pk=narration_id)
        # Only addresses have this state (contracts/podread.md section 3.5).
        if narration.source_type == Narration.SourceType.URL:
            set_production_state(episode_id=episode_id, state=ProductionState.PREPARING, now=now)
    return narration


def _prepare(narration: Narration, *, now: datetime) -> _Prepared:
    """The slow part, outside of any transaction."""
    tidied = _tidied(narration, _article(narration))
    article = tidied.article
    account = narration.episode.show.account
    voice = _voice(narration, article)
    title = narration.title or article.title or "Untitled"
    author = narration.author or article.author
    return _Prepared(
        title=title,
        author=author or NO_AUTHOR,
        description=narration.description or _description(narration, article) or title,
        script=compose_script(
            article.document,
            voice=voice.id,
            speaker=voice.name,
            title=narration.title or article.spoken_title,
            author=author,
            rules=reading_rules(account=account, given=narration.rules),
            lexicon=lexicon_of(account=account, show_id=narration.episode.show_id),
        ),
        voice=voice,
        cover=_cover(narration, article, now=now),
        tidying=tidied.report,
    )


def _tidied(narration: Narration, article: Article) -> Tidied:
    """The article after the writer has had a look; what people write themselves is left as it is."""
    if narration.source_type == Narration.SourceType.PASTE:
        return Tidied(article)
    return tidied_article(article)


def _article(narration: Narration) -> Article:
    """The article that the narration's source holds, within the plan's limits."""
    if narration.source_type == Narration.SourceType.FILE:
        article = _article_from_source_file(narration)
    elif narration.html:
        article = read_html(narration.html, url=narration.source_url)
    elif narration.source_type == Narration.SourceType.URL:
        article = read_page(fetch_source(narration.source_url))
    else:
        return article_from_text(narration.text, url=narration.source_url, title=narration.title)
    _require_acceptable_article(narration, article)
    return article


def _article_from_source_file(narration: Narration) -> Article:
    source = narration.episode.documents.get(kind=EpisodeDocument.Kind.SOURCE_FILE)
    with open_stored(source.storage_key) as file:
        return read_file(
            file,
            kind=PurePosixPath(source.storage_key).suffix.lstrip("."),
            name=narration.file_name,
        )


def _require_acceptable_article(narration: Narration, article: Article) -> None:
    try:
        require_acceptable_length(
            account=narration.episode.show.account, characters=article.characters
        )
    except TextTooLong as error:
        message = error.message.removeprefix("Content ")
        raise TextTooLong(
            f"Article content too large: it {message}", details=error.details
        ) from None


def _voice(narration: Narration, article: Article) -> Voice:
    """The voice that was asked for, else the account's own if it speaks the language, else one that does.

    Raises `VoiceForOtherLanguage`, `production.voices.registry.LanguageUnspoken`.
    """
    catalog = voice_catalog()
    if narration.voice:
        voice = catalog.voice(narration.voice)
        # In a short text the language is a guess, and the voice says more about it.
        if article.characters >= SURE_CHARACTERS and not voice.speaks(article.language):
            offered = [one.id for one in catalog.voices() if one.speaks(article.language)]
            raise VoiceForOtherLanguage(
                f"The text is in {article.language!r}, which the voice {voice.id} does not speak. "
                f"Voices for it: {', '.join(offered) or 'none'}. Languages on offer: "
                f"{', '.join(catalog.languages())}.",
                field="voice",
            )
        return voice
    preferred = preferred_voice(account=narration.episode.show.account)
    if preferred is not None and preferred.speaks(article.language):
        return preferred
    return catalog.voice_for(article.language)


def _cover(narration: Narration, article: Article, *, now: datetime) -> StoredCover | None:
    """Of the picture that the page's head names; a file makes nobody call another server."""
    is_page = narration.source_type != Narration.SourceType.FILE
    wanted = is_page and article.image_url and not narration.episode.cover_key
    return lead_image_cover(article.image_url, now=now) if wanted else None


def _description(narration: Narration, article: Article) -> str:
    origin = f"Original URL: {narration.source_url}" if narration.source_url else ""
    both = "\n\n".join(part for part in (article.description, origin) if part)
    return both if len(both) <= DESCRIPTION_LENGTH else article.description


def _hand_over(narration: Narration, prepared: _Prepared, *, now: datetime) -> None:
    """Store what was found and start the production, unless the lease was lost on the way."""
    with transaction.atomic(durable=True):
        if not _end_lease(narration, Narration.State.PREPARED, tidying=prepared.tidying):
            return
        describe_produced_episode(
            episode_id=narration.episode_id,
            title=prepared.title,
            author=prepared.author,
            description=prepared.description,
            cover=prepared.cover,
            now=now,
        )
        start_production(
            episode=narration.episode,
            script=prepared.script,
            voice=prepared.voice.id,
            speed=1.0,
            publish_on_complete=True,
            now=now,
        )


def _give_up_or_retry(narration: Narration, error: PodwrightError, *, now: datetime) -> None:
    if narration.attempts < MAX_ATTEMPTS and may_pass(error):
        with transaction.atomic(durable=True):
            due_at = now + RETRY_AFTER[narration.attempts - 1]
            _end_lease(narration, Narration.State.WAITING, due_at=due_at, error_code=error.code)
    else:
        _fail(narration, error, now=now)


def _fail(narration: Narration, error: PodwrightError, *, now: datetime) -> None:
    with transaction.atomic(durable=True):
        # The quota comes before the episode in the order of locks, and failing gives it back.
        lock_quota(narration.episode.show.account)
        if _end_lease(narration, Narration.State.FAILED, error_code=error.code):
            fail_production(episode_id=narration.episode_id, reason=error.message, now=now)
    log.info("narration_failed", narration_id=narration.pk, code=error.code)


def _end_lease(narration: Narration, state: Narration.State, **changes: object) -> bool:
    """Leave PREPARING for `state`; False when another worker has taken over or the row is gone."""
    lock_episode(episode_id=narration.episode_id)
    held = Narration.objects.held(pk=narration.pk, lease=narration.lease)
    return bool(held.release(state=state, **changes))


def _interrupted() -> PreparingFailed:
    return PreparingFailed("The article could not be prepared: the work broke off several times.")
