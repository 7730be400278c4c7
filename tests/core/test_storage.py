from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.storage import default_storage

from core.models import StoredFile
from core.storage import LONG_AGO, delete_stored, release_stored, store_bytes

pytestmark = pytest.mark.django_db


class TestStoreBytes:
    def test_leaves_nothing_behind_when_the_disk_is_full(self, monkeypatch, now):
        def full(name: str, content: object) -> str:
            path = Path(settings.MEDIA_ROOT) / name
            path.parent.mkdir(parents=True)
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(default_storage, "_save", full)

        with pytest.raises(OSError, match="No space left"):
            store_bytes("full/one.mp3", b"whole", now=now)

        assert not (Path(settings.MEDIA_ROOT) / "full").exists()
        assert not StoredFile.objects.filter(key="full/one.mp3").exists()


class TestDeleteStored:
    def test_takes_the_emptied_folder_along_and_may_be_called_twice(self, now):
        store_bytes("folder/a.txt", b"a", now=now)
        store_bytes("folder/b.txt", b"b", now=now)

        delete_stored("folder/a.txt")
        assert default_storage.exists("folder/b.txt")
        for _ in range(2):
            delete_stored("folder/b.txt")

        assert not (Path(settings.MEDIA_ROOT) / "folder").exists()


class TestReleaseStored:
    def test_ends_the_grace_of_the_named_files_only(self, now):
        for name in ("released", "kept"):
            store_bytes(f"{name}/file", b"x", now=now)

        release_stored(["released/file"])

        dates = dict(StoredFile.objects.values_list("key", "created_at"))
        assert dates["released/file"] == LONG_AGO
        assert dates["kept/file"] == now
