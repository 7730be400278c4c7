"""Decides which audio an episode sounds as: an asset in our storage, or an address outside."""

from __future__ import annotations

from collections.abc import Mapping

from accounts.models import Account
from core.errors import Conflict, Invalid
from core.storage import media_url, release_stored, stored_key
from episodes.addresses import leads_back_here
from episodes.models import AudioAsset, Episode, EpisodeDocument
from episodes.states import ProductionState

#: Audio that a worker has yet to attach.
_BEING_MADE = frozenset(
    {ProductionState.PENDING, ProductionState.PREPARING, ProductionState.PROCESSING}
)


class AudioMissing(Invalid):
    """An episode cannot be scheduled or published before it has audio."""

    code = "audio_missing"


class AudioAddressCircular(Invalid):
    """The address of the audio is one that redirects to the audio of an episode."""

    code = "audio_url_circular"


class AudioInProduction(Conflict):
    """The audio is being made, and would overwrite the one that the request names."""

    code = "audio_in_production"


def check_address(audio_url: str | None) -> None:
    """Raise `AudioAddressCircular` for audio that would lead listeners in a circle."""
    if audio_url is not None and leads_back_here(audio_url):
        raise AudioAddressCircular(
            "audio_url: leads back to this server; give the address of the audio file itself.",
            field="audio_url",
        )


def own_asset(*, account: Account, audio_url: str | None) -> AudioAsset | None:
    """The account's stored audio at `audio_url`, locked against the sweep; None for other addresses.

    Stored audio of another account is an address like any outside: whoever was given it may name it.
    """
    key = stored_key(audio_url) if audio_url else None
    if key is None:
        return None
    return AudioAsset.objects.select_for_update().filter(account=account, storage_key=key).first()


def take_asset(episode: Episode, asset: AudioAsset) -> None:
    """Let the episode sound as `asset`, whose measures win over what a client says."""
    episode.asset = asset
    episode.audio_url = None
    episode.audio_type = asset.mime_type
    episode.audio_length = asset.bytes
    if asset.duration_seconds is not None:
        episode.duration_seconds = max(1, round(asset.duration_seconds))


def replace_audio(episode: Episode, audio_url: str, *, given: Mapping[str, object]) -> None:
    """Point the episode at other audio, and drop what was known of audio that we made or stored."""
    if episode.asset is not None and audio_url == media_url(episode.asset.storage_key):
        return  # the client sends back the address that we told it
    check_address(audio_url)
    if episode.production_state in _BEING_MADE:
        raise AudioInProduction(
            "The audio of this episode is being made; replace it once that is complete or failed.",
            field="audio_url",
        )
    asset = own_asset(account=episode.show.account, audio_url=audio_url)
    episode.audio_url = audio_url
    if episode.asset is not None or episode.production_state != ProductionState.NONE:
        episode.audio_type = str(given.get("audio_type", "audio/mpeg"))
        episode.audio_length = given.get("audio_length")  # type: ignore[assignment] # validated
        episode.duration_seconds = given.get("duration_seconds")  # type: ignore[assignment]
        episode.asset = None
        episode.production_state = ProductionState.NONE
        episode.error_message = ""
        episode.is_ai_generated = False
        episode.chapters = []
        remove_documents(episode)
    if asset is not None:
        take_asset(episode, asset)


def require_audio(episode: Episode) -> None:
    """Raise `AudioMissing` unless there is something to hear."""
    if episode.asset_id is None and not episode.audio_url:
        raise AudioMissing(
            "The episode has no audio yet; it can be scheduled or published once it is complete.",
            field="status",
        )


def remove_documents(episode: Episode) -> None:
    """Delete the rows of the episode's documents and give their files up to the sweep."""
    documents = EpisodeDocument.objects.filter(episode=episode)
    release_stored(documents.values_list("storage_key", flat=True))
    documents.delete()
