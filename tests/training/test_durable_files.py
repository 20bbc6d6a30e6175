"""A file is whole or not there, whatever happens while it is written."""

from __future__ import annotations

import errno
import os
import stat
import tempfile

import pytest

from npnn_cli.training.durable_files import write_durably, write_text_durably


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    return path


def assert_survives(old):
    assert old.read_text() == "old"
    assert list(old.parent.iterdir()) == [old]


def test_a_file_is_written_and_nothing_else_is_left(tmp_path):
    write_text_durably(tmp_path / "new.txt", "größer\n")
    assert (tmp_path / "new.txt").read_bytes() == b"gr\xc3\xb6\xc3\x9fer\n"
    assert list(tmp_path.iterdir()) == [tmp_path / "new.txt"]


def test_a_file_is_replaced(old):
    write_text_durably(old, "new")
    assert old.read_text() == "new"
    assert list(old.parent.iterdir()) == [old]


@pytest.mark.skipif(os.name != "posix", reason="permission bits")
def test_others_may_read_it(tmp_path):
    write_text_durably(tmp_path / "new.txt", "")
    assert stat.S_IMODE((tmp_path / "new.txt").stat().st_mode) == 0o644


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_fails_halfway_leaves_the_old_file(old, error):
    def write_half():
        with write_durably(old) as file:
            file.write(b"half")
            raise error

    with pytest.raises(error):
        write_half()
    assert_survives(old)


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_is_told_by_the_name_of_the_file(old, monkeypatch, failing):
    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(OSError, match="No space left") as caught:
        write_text_durably(old, "new")
    assert caught.value.errno == errno.ENOSPC
    assert caught.value.filename == str(old)
    assert_survives(old)


def test_a_folder_that_cannot_be_written_is_told_by_the_name_of_the_file(old, monkeypatch):
    def forbidden(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), "a temporary name")

    monkeypatch.setattr(tempfile, "mkstemp", forbidden)
    with pytest.raises(OSError, match="Read-only file system") as caught:
        write_text_durably(old, "new")
    assert caught.value.filename == str(old)
    assert_survives(old)


def test_an_error_that_is_not_the_systems_stays_as_it_is(old):
    def refuse():
        with write_durably(old):
            raise OSError("the encoder refuses")

    with pytest.raises(OSError, match=r"^the encoder refuses$"):
        refuse()
    assert_survives(old)


@pytest.mark.skipif(os.name != "posix", reason="directories cannot be synced elsewhere")
def test_the_content_is_on_the_disk_before_the_name_is_and_then_the_name_is(old, monkeypatch):
    happened = []
    fsync, replace = os.fsync, os.replace

    def watched_fsync(descriptor):
        kind = "directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        happened.append(f"fsync of a {kind} of {os.fstat(descriptor).st_size if kind == 'file' else 'any'} bytes")
        fsync(descriptor)

    def watched_replace(source, target):
        happened.append("replace")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_replace)
    write_text_durably(old, "newer")
    assert happened == ["fsync of a file of 5 bytes", "replace", "fsync of a directory of any bytes"]
