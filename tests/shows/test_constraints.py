from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from shows.models import Show
from shows.services import ensure_narration_show


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("show_title_not_empty", {"title": ""}),
        ("show_visibility_known", {"visibility": "secret"}),
        ("show_cover_has_size", {"cover_key": "covers/a/cover.jpg"}),
        (
            "show_one_cover",
            {
                "cover_key": "covers/a/cover.jpg",
                "cover_bytes": 9,
                "image_url": "https://a.example/b",
            },
        ),
    ],
)
def test_the_database_refuses(show, name, change):
    with pytest.raises(IntegrityError, match=name):
        Show.objects.filter(pk=show.pk).update(**change)


def test_the_database_refuses_a_second_narration_show_of_an_account(show, owner, now):
    with transaction.atomic():
        ensure_narration_show(account=owner, now=now)

    with pytest.raises(IntegrityError):
        Show.objects.filter(pk=show.pk).update(is_narration_default=True)


@pytest.mark.parametrize("field", ["slug", "feed_token", "podcast_guid"])
def test_the_database_refuses_equal(show, owner, now, field):
    with transaction.atomic():
        other = ensure_narration_show(account=owner, now=now)

    with pytest.raises(IntegrityError):
        Show.objects.filter(pk=other.pk).update(**{field: getattr(show, field)})
