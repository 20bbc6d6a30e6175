"""Checkpoints: arrays in a file that is either whole or not there, and that is checked before it is believed.

A checkpoint is an ``.npz`` file whose member ``manifest`` lists every array with its shape, dtype and SHA-256. It is
read without unpickling, so that loading one never runs code, and nothing is allocated that the file's own size does not
account for.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from npnn_cli.autograd.ops.primitive import Array
from npnn_cli.training.durable_files import write_durably

FORMAT_VERSION = 1
_MANIFEST = "manifest"
_LARGEST_MANIFEST = 1_000_000  # bytes

# What zipfile, NumPy and json raise on damaged or foreign content, and on a manifest of another form.
_UNREADABLE = (OSError, EOFError, zipfile.BadZipFile, LookupError, ValueError, TypeError, AttributeError, RuntimeError)


class CheckpointError(ValueError):
    """A checkpoint that cannot be read or trusted; the message names the file."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What a checkpoint holds.

    Attributes:
        weights: the model's state dict.
        about: where it stems from: the record of the epoch that had just ended; the epoch and the number of its batches
            so far, if an epoch was in progress; nothing before the first.
    """

    weights: Mapping[str, Array]
    about: Mapping[str, Any] = field(default_factory=dict)


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint so that a crash at any moment leaves either the old file or the new one."""
    arrays = {f"weights/{name}": np.asarray(array, order="C") for name, array in checkpoint.weights.items()}
    manifest = {
        "format_version": FORMAT_VERSION,
        "about": checkpoint.about,
        "arrays": {name: _description(array) for name, array in arrays.items()},
    }
    members = {_MANIFEST: np.frombuffer(json.dumps(manifest).encode(), np.uint8), **arrays}
    with write_durably(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in members.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                npy.write_array(member, array, allow_pickle=False)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint and verify all of it.

    Raises:
        CheckpointError: if the file is missing, damaged, or no checkpoint of this format.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_sizes(archive, path.stat().st_size)
            manifest = _read_manifest(archive)
            expected = {f"{name}.npy" for name in (_MANIFEST, *manifest["arrays"])}
            if set(archive.namelist()) != expected:
                raise ValueError("its members are not those that its manifest lists")
            arrays = {name: _read_array(archive, name, entry) for name, entry in manifest["arrays"].items()}
            about = manifest["about"]
    except FileNotFoundError:
        raise CheckpointError(f"{path}: there is no such checkpoint") from None
    except _UNREADABLE as error:
        raise CheckpointError(
            f"{path}: this checkpoint cannot be read, it is damaged or of another kind ({error})"
        ) from None
    weights = {name.removeprefix("weights/"): array for name, array in arrays.items()}
    return Checkpoint(weights, about)


def _description(array: Array) -> dict[str, Any]:
    digest = hashlib.sha256(array.tobytes()).hexdigest()
    return {"shape": array.shape, "dtype": array.dtype.str, "sha256": digest}


def _check_sizes(archive: zipfile.ZipFile, size: int) -> None:
    """Refuse members that would expand, or that claim more than the file holds, before any of them is read."""
    members = archive.infolist()
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise ValueError("its members are compressed")
    if sum(member.file_size for member in members) > size:
        raise ValueError(f"its members claim more than the {size:,} bytes of the file")


def _read_manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    member = archive.getinfo(f"{_MANIFEST}.npy")
    if member.file_size > _LARGEST_MANIFEST:
        raise ValueError("its manifest is too large")
    with archive.open(member) as file:
        npy.read_magic(file)
        npy.read_array_header_1_0(file)  # passed over: read_array would allocate whatever shape it claims
        text = file.read()
    manifest: dict[str, Any] = json.loads(text)
    if manifest["format_version"] != FORMAT_VERSION:
        raise ValueError(f"its format version is {manifest['format_version']}, this npnn reads {FORMAT_VERSION}")
    return manifest


def _read_array(archive: zipfile.ZipFile, name: str, entry: Mapping[str, Any]) -> Array:
    shape, dtype = tuple(entry["shape"]), np.dtype(entry["dtype"])
    member = archive.getinfo(f"{name}.npy")
    with archive.open(member) as file:
        if npy.read_magic(file) != (1, 0) or npy.read_array_header_1_0(file) != (shape, False, dtype):
            raise ValueError(f"the header of {name} is not what the manifest says")
        data = file.read(member.file_size)
    size = dtype.itemsize * int(np.prod(shape, dtype=object))
    if len(data) != size or hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise ValueError(f"the contents of {name} are not what the manifest says")
    return np.frombuffer(data, dtype).reshape(shape).copy()
