from __future__ import annotations

import gzip
import struct
import tracemalloc

import numpy as np
import pytest

from npnn_cli.data import DataError
from npnn_cli.data.idx import decode_idx


def idx(shape: tuple[int, ...], body: bytes, *, type_code: int = 0x08) -> bytes:
    return struct.pack(f">HBB{len(shape)}I", 0, type_code, len(shape), *shape) + body


PIXELS = bytes(range(30))
GOOD = gzip.compress(idx((2, 3, 5), PIXELS), mtime=0)


@pytest.mark.parametrize("shape", [(30,), (2, 3, 5), (30, 1)])
def test_numbers_and_shape_are_read(shape: tuple[int, ...]) -> None:
    array = decode_idx(gzip.compress(idx(shape, PIXELS)), file="numbers.gz")
    assert array.dtype == np.uint8
    np.testing.assert_array_equal(array, np.arange(30).reshape(shape))


FLIPPED = bytearray(GOOD)
FLIPPED[-6] ^= 1  # in the CRC

DAMAGED = {
    "empty": (b"", "starts with nothing"),
    "not gzip": (idx((2, 3, 5), PIXELS), "no gzip file"),
    "checksum": (bytes(FLIPPED), "damaged"),
    "gzip cut in its trailer": (GOOD[:-3], "cut off"),
    "gzip cut in its data": (GOOD[:-20], "cut off"),
    "bytes appended": (GOOD + b"x", "1 bytes after the end"),
    "second gzip member": (GOOD + GOOD, "after the end"),
    "wrong magic": (gzip.compress(b"\x01" + idx((30,), PIXELS)[1:]), "no IDX file"),
    "int32": (gzip.compress(idx((30,), PIXELS * 4, type_code=0x0C)), "type code 0x0c"),
    "no dimensions": (gzip.compress(idx((), b"\0")), "0 dimensions"),
    "too many dimensions": (gzip.compress(idx((1,) * 65, b"\0")), "65 dimensions"),
    "header cut": (gzip.compress(idx((2, 3, 5), b"")[:-1]), "inside its header"),
    "zero dimension": (gzip.compress(idx((0, 4_000_000_000), b"")), "no data"),
    "one byte short": (gzip.compress(idx((2, 3, 5), PIXELS[:-1])), "declares 46 bytes"),
    "one byte over": (gzip.compress(idx((2, 3, 5), PIXELS + b"\0")), "more than the 46 bytes"),
    "huge promise": (gzip.compress(idx((2**32 - 1,) * 64, PIXELS)), "can hold"),
}


@pytest.mark.parametrize(("content", "message"), DAMAGED.values(), ids=DAMAGED.keys())
def test_damage_is_one_error_that_names_the_file(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=f"^damaged.gz: .*{message}"):
        decode_idx(content, file="damaged.gz")


@pytest.mark.parametrize("position", range(2, len(GOOD)))
def test_no_flipped_bit_changes_numbers_unnoticed(position: int) -> None:
    flipped = bytearray(GOOD)
    flipped[position] ^= 0x10
    try:
        array = decode_idx(bytes(flipped), file="flipped.gz")
    except DataError:
        return
    np.testing.assert_array_equal(array, np.arange(30).reshape(2, 3, 5))  # a bit of gzip's time stamp, say


LYING = {
    "bomb": gzip.compress(idx((10,), bytes(50_000_000))),
    "promise of 60 MB": gzip.compress(idx((60_000_000,), np.random.default_rng(0).bytes(100_000))),
}


@pytest.mark.parametrize("content", LYING.values(), ids=LYING.keys())
def test_a_lying_header_costs_no_memory(content: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(DataError):
        decode_idx(content, file="lying.gz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000
