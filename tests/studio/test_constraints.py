from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from studio.models import Generation, GenerationRequest, Host, Source, StudioPodcast
from tests.factories.studio import add_studio


@pytest.fixture
def _studio(owner, now):
    add_studio(owner, now=now)


@pytest.mark.usefixtures("_studio")
@pytest.mark.parametrize(
    ("model", "changes", "constraint"),
    [
        (Host, {"name": ""}, "host_name_not_empty"),
        (Host, {"voice": ""}, "host_has_voice"),
        (StudioPodcast, {"show_order": "random"}, "studiopodcast_show_order_known"),
        (StudioPodcast, {"visibility": "secret"}, "studiopodcast_visibility_known"),
        (Source, {"type": "tape"}, "source_type_known"),
        (Source, {"state": "lost"}, "source_state_known"),
        (Source, {"text": ""}, "source_completed_has_text"),
        (Source, {"state": "error"}, "source_error_has_reason"),
        (Source, {"lease": "0" * 32}, "source_lease_whole"),
        (GenerationRequest, {"weight": 0}, "generationrequest_weighs"),
        (GenerationRequest, {"is_planning": True}, "generationrequest_lease_while_planning"),
        (Generation, {"state": "lost"}, "generation_state_known"),
        (Generation, {"phase": "lost"}, "generation_phase_known"),
        (Generation, {"target_seconds": 0}, "generation_target_positive"),
        (Generation, {"percent": 101}, "generation_percent_in_range"),
        (Generation, {"state": "writing"}, "generation_lease_while_writing"),
        (Generation, {"has_title": False, "keep_title": True}, "generation_kept_title_is_there"),
    ],
)
def test_the_database_refuses(model, changes, constraint):
    rows = model.objects.filter(pk=model.objects.first().pk)

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        rows.update(**changes)


@pytest.mark.usefixtures("_studio")
def test_the_database_refuses_a_second_default_host_for_a_voice(owner, now):
    host = Host.objects.first()

    with pytest.raises(IntegrityError), transaction.atomic():
        Host.objects.create(
            account=owner,
            name="Again",
            backstory="x",
            voice=host.voice,
            made_for_voice=host.made_for_voice,
            created_at=now,
            updated_at=now,
        )
