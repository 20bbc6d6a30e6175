"""A checkpoint gives back exactly what was saved, or one error that names the file."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import pickle
import tracemalloc
import zipfile

import numpy as np
import pytest

from npnn_cli.training.checkpoints import FORMAT_VERSION, Checkpoint, CheckpointError, load_checkpoint, save_checkpoint

rng = np.random.default_rng(0)
WEIGHTS = {"0.weight": rng.standard_normal((2, 3)).astype(np.float32), "0.bias": np.arange(2, dtype=np.float32)}
ABOUT = {"epoch": 3, "val_loss": 0.25}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "best.npz"
    save_checkpoint(path, Checkpoint(WEIGHTS, ABOUT))
    return path


def assert_holds(checkpoint, weights):
    assert list(checkpoint.weights) == list(weights)
    for name, array in weights.items():
        assert checkpoint.weights[name].dtype == array.dtype
        assert checkpoint.weights[name].shape == array.shape
        assert checkpoint.weights[name].tobytes() == array.tobytes()


def assert_refused(path, *words):
    """Loading fails with a message of one line that names the file, and without allocating much."""
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError) as caught:
            load_checkpoint(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert all(word in message for word in words), message
    assert peak < 5_000_000


@pytest.mark.parametrize(
    "weights",
    [
        WEIGHTS,
        {"file": np.ones(2), "allow_pickle": np.zeros(3), "manifest": np.ones(1), "a/b": np.ones(1)},
        {"number": np.array(2.5), "empty": np.zeros((0, 3)), "transposed": rng.standard_normal((4, 3)).T},
        {"extreme": np.array([np.nan, np.inf, -0.0, 5e-324]), "big endian": np.ones(3, ">f8")},
        {},
    ],
    ids=["of a layer", "awkward names", "awkward shapes", "awkward numbers", "none"],
)
def test_what_is_saved_is_loaded(tmp_path, weights):
    save_checkpoint(tmp_path / "x.npz", Checkpoint(weights, ABOUT))
    checkpoint = load_checkpoint(tmp_path / "x.npz")
    assert_holds(checkpoint, weights)
    assert checkpoint.about == ABOUT
    assert all(array.flags.writeable for array in checkpoint.weights.values())
    assert list(tmp_path.iterdir()) == [tmp_path / "x.npz"]


def test_numpy_reads_it_too(path):
    with np.load(path, allow_pickle=False) as archive:
        assert set(archive) == {"manifest", "weights/0.weight", "weights/0.bias"}
        assert np.array_equal(archive["weights/0.weight"], WEIGHTS["0.weight"])


def test_a_full_disk_leaves_the_old_checkpoint(path, monkeypatch):
    def full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(path, Checkpoint({"0.weight": np.ones(9)}))
    assert_holds(load_checkpoint(path), WEIGHTS)
    assert list(path.parent.iterdir()) == [path]


def test_every_truncation_is_refused(path):
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError):
            load_checkpoint(path)


def test_a_flipped_bit_is_refused_or_does_no_harm(path):
    whole = path.read_bytes()
    # Those in the zip file's own records are the ones that its checksums do not cover, so all of these are tried.
    records = whole.index(b"PK\1\2")
    bits = [*range(records * 8, len(whole) * 8), *np.random.default_rng(1).integers(0, records * 8, 400).tolist()]
    refused = 0
    for bit in bits:
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        try:
            checkpoint = load_checkpoint(path)
        except CheckpointError:
            refused += 1
        else:
            assert_holds(checkpoint, WEIGHTS)
    assert refused > len(bits) / 2


def test_a_damaged_stretch_is_refused_or_does_no_harm(path):
    whole, random = path.read_bytes(), np.random.default_rng(2)
    for _ in range(400):
        damaged = bytearray(whole)
        start, length = random.integers(0, len(whole)), random.integers(1, 40)
        damaged[start : start + length] = random.bytes(len(damaged[start : start + length]))
        path.write_bytes(damaged)
        try:
            assert_holds(load_checkpoint(path), WEIGHTS)
        except CheckpointError:
            continue


def test_a_missing_file_is_told_as_such(tmp_path):
    assert_refused(tmp_path / "best.npz", "there is no such checkpoint")


@pytest.mark.parametrize("content", [b"", b"PK\3\4", b"not a zip file", bytes(1000)], ids=["empty", "zip", "text", "0"])
def test_a_foreign_file_is_refused(tmp_path, content):
    (tmp_path / "best.npz").write_bytes(content)
    assert_refused(tmp_path / "best.npz", "damaged or of another kind")


def test_a_folder_is_refused(tmp_path):
    assert_refused(tmp_path, "damaged or of another kind")


@pytest.mark.parametrize("savez", [np.savez, np.savez_compressed])
def test_an_npz_of_another_program_is_refused(path, savez):
    savez(path, **WEIGHTS)
    assert_refused(path, "damaged or of another kind")


class Bomb:
    exploded = False

    def __reduce__(self):
        return setattr, (Bomb, "exploded", True)


def test_nothing_is_unpickled(path):
    np.savez(path, manifest=np.array([Bomb()], dtype=object))
    assert_refused(path)
    description = describe(WEIGHTS["0.bias"]) | {"dtype": "|O"}
    forge(
        path, manifest({"weights/0.bias": description}), {"weights/0.bias": header((2,), "|O") + pickle.dumps(Bomb())}
    )
    assert_refused(path)
    assert not Bomb.exploded


def header(shape, dtype):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue()


def npy(array):
    return header(array.shape, array.dtype.str) + array.tobytes()


def describe(array):
    return {
        "shape": array.shape,
        "dtype": array.dtype.str,
        "sha256": hashlib.sha256(array.tobytes()).hexdigest(),
    }


def manifest(arrays, **changes):
    return {"format_version": FORMAT_VERSION, "about": {}, "arrays": arrays} | changes


def forge(path, manifest, members, compression=zipfile.ZIP_STORED):
    """Write a checkpoint by hand: with a manifest, and members as they are."""
    text = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    members = {"manifest": header((len(text),), "|u1") + text, **members}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)


BIAS = WEIGHTS["0.bias"]
MEMBERS = {"weights/0.bias": npy(BIAS)}
TRUE = {"weights/0.bias": describe(BIAS)}


def test_a_checkpoint_forged_without_a_lie_is_loaded(path):
    forge(path, manifest(TRUE), MEMBERS)
    assert_holds(load_checkpoint(path), {"0.bias": BIAS})


LIES = {
    "a version to come": (manifest(TRUE, format_version=FORMAT_VERSION + 1), MEMBERS),
    "a member is missing": (manifest(TRUE), {}),
    "a member too many": (manifest(TRUE), {**MEMBERS, "weights/1.bias": npy(BIAS)}),
    "another shape": (manifest({"weights/0.bias": describe(BIAS) | {"shape": [1, 2]}}), MEMBERS),
    "another dtype": (manifest({"weights/0.bias": describe(BIAS) | {"dtype": "<i4"}}), MEMBERS),
    "no dtype": (manifest({"weights/0.bias": describe(BIAS) | {"dtype": "nonsense("}}), MEMBERS),
    "another content": (manifest({"weights/0.bias": describe(BIAS + 1)}), MEMBERS),
    "a shorter content": (manifest(TRUE), {"weights/0.bias": npy(BIAS)[:-1]}),
    "a longer content": (manifest(TRUE), {"weights/0.bias": npy(BIAS) + b"0"}),
    "no array": (manifest(TRUE), {"weights/0.bias": b"nothing"}),
    "a negative shape": (
        manifest({"weights/0.bias": describe(BIAS) | {"shape": [-1, -2]}}),
        {"weights/0.bias": header((-1, -2), "<f4") + BIAS.tobytes()},
    ),
    "an entry that is a list": (manifest({"weights/0.bias": []}), MEMBERS),
    "arrays that are a list": (manifest(["weights/0.bias"]), MEMBERS),
    "a manifest that is a list": ([], MEMBERS),
    "a manifest without about": ({"format_version": 1, "arrays": TRUE}, MEMBERS),
    "a manifest that is no JSON": (b"{", MEMBERS),
    "a manifest that is no text": (b"\xff\xfe\xfd", MEMBERS),
    "a manifest that is nested deeply": (b"[" * 100_000, MEMBERS),
    "a manifest of megabytes": (manifest(TRUE, padding="0" * 1_000_000), MEMBERS),
}


@pytest.mark.parametrize(("manifest", "members"), LIES.values(), ids=LIES)
def test_a_lie_is_refused(path, manifest, members):
    forge(path, manifest, members)
    assert_refused(path, "damaged or of another kind")


TERABYTES = (2**40,)


def test_a_header_that_asks_for_terabytes_gets_nothing(path):
    honest = describe(BIAS)
    huge = {"weights/0.bias": header(TERABYTES, "<f4") + BIAS.tobytes()}
    forge(path, manifest({"weights/0.bias": honest}), huge)
    assert_refused(path)
    forge(path, manifest({"weights/0.bias": honest | {"shape": TERABYTES}}), huge)
    assert_refused(path)


def test_a_manifest_whose_header_asks_for_terabytes_gets_nothing(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.npy", header(TERABYTES, "|u1") + b"{")
    assert_refused(path)


def test_a_directory_that_claims_terabytes_gets_nothing(path):
    forge(path, manifest(TRUE), MEMBERS)
    content = bytearray(path.read_bytes())
    record = content.index(b"PK\1\2", content.index(b"PK\1\2") + 1)  # of the second member
    for size in (20, 24):  # compressed and not, by the format's specification
        content[record + size : record + size + 4] = (2**32 - 2).to_bytes(4, "little")
    path.write_bytes(content)
    assert_refused(path, "claim more than")


def test_a_small_file_that_would_expand_to_a_large_one_gets_nothing(path):
    zeros = np.zeros(4_000_000, np.float32)
    forge(path, manifest({"weights/0": describe(zeros)}), {"weights/0": npy(zeros)}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 100_000
    assert_refused(path, "compressed")
