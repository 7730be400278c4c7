from __future__ import annotations

import pytest

from core.durable_files import write_durably


class TestWriteDurably:
    def test_leaves_the_old_content_when_it_fails(self, tmp_path, monkeypatch):
        path = tmp_path / "file"
        write_durably(path, b"old")

        def fail(descriptor):
            raise OSError(5, "I/O error")

        monkeypatch.setattr("core.durable_files.os.fsync", fail)
        with pytest.raises(OSError, match="I/O"):
            write_durably(path, b"new")

        assert path.read_bytes() == b"old"
        assert [found.name for found in tmp_path.iterdir()] == ["file"]
