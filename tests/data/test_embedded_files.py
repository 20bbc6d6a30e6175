from __future__ import annotations

import hashlib
import zlib
from importlib import resources
from pathlib import Path

import pytest

from npnn_cli.data import DataError
from npnn_cli.data.embedded_files import SHA256, read_embedded

EMBEDDED = Path(str(resources.files("npnn_cli.data"))) / "embedded"


def test_every_embedded_file_has_a_checksum_and_no_other_file_is_there() -> None:
    files = {file.relative_to(EMBEDDED).as_posix() for file in EMBEDDED.rglob("*") if file.is_file()}
    assert files - {"SOURCES.md"} == set(SHA256)


@pytest.mark.parametrize("name", SHA256)
def test_the_sources_name_file_and_checksums(name: str) -> None:
    content = read_embedded(name)
    checksums = [SHA256[name]]
    if name.endswith(".gz"):
        checksums.append(hashlib.sha256(zlib.decompress(content, wbits=31)).hexdigest())
    sources = (EMBEDDED / "SOURCES.md").read_text(encoding="utf-8")
    assert Path(name).name in sources
    assert [checksum for checksum in checksums if checksum not in sources] == []


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the diabetes table in a package folder of its own."""
    monkeypatch.setattr(resources, "files", lambda package: tmp_path)
    file = tmp_path / "embedded" / "diabetes.csv"
    file.parent.mkdir()
    file.write_bytes((EMBEDDED / "diabetes.csv").read_bytes())
    return file


def test_an_intact_file_is_read(installed: Path) -> None:
    assert read_embedded("diabetes.csv") == installed.read_bytes()


def test_a_changed_byte_is_an_error_that_names_the_file_and_says_what_to_do(installed: Path) -> None:
    content = bytearray(installed.read_bytes())
    content[-2] ^= 1
    installed.write_bytes(content)
    with pytest.raises(DataError, match=r"diabetes\.csv: is damaged .* reinstall"):
        read_embedded("diabetes.csv")


def test_a_missing_file_is_an_error_that_names_it_and_says_what_to_do(installed: Path) -> None:
    installed.unlink()
    with pytest.raises(DataError, match=r"diabetes\.csv: is missing; reinstall"):
        read_embedded("diabetes.csv")
