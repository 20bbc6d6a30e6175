"""IDX files, the format of MNIST: a magic number, the dimensions, then the numbers themselves.

The format is described at http://yann.lecun.com/exdb/mnist/. Only unsigned bytes (type code 0x08), compressed with
gzip, are read. Nothing in the header is believed before the content agrees with it.
"""

from __future__ import annotations

import math
import zlib

import numpy as np
from numpy.typing import NDArray

from npnn_cli.data.errors import DataError

_UNSIGNED_BYTE = 0x08
_MAX_DIMENSIONS = 64  # NumPy's own limit
_LONGEST_HEADER = 4 + 4 * _MAX_DIMENSIONS
_GZIP = 16 + zlib.MAX_WBITS
_DEFLATE_MAX_RATIO = 1032  # https://zlib.net/zlib_tech.html: no input expands to more


def decode_idx(content: bytes, *, file: str) -> NDArray[np.uint8]:
    """Decode the content of a gzip-compressed IDX file of unsigned bytes.

    Args:
        content: the compressed bytes.
        file: the name that error messages give to the content.

    Returns:
        A read-only uint8 array of the dimensions that the content declares.

    Raises:
        DataError: if the content is damaged, or is no such file.
    """
    header, _ = _decompress(content, _LONGEST_HEADER, file)
    shape = _declared_shape(header, file)
    start = 4 + 4 * len(shape)
    size = start + math.prod(shape)
    if size > _DEFLATE_MAX_RATIO * len(content):
        raise DataError(f"{file}: declares {shape} bytes, more than its {len(content)} compressed bytes can hold")

    # One byte more than declared is enough to notice that there is more.
    decompressed, complete = _decompress(content, size + 1, file)
    if len(decompressed) > size:
        raise DataError(f"{file}: holds more than the {size} bytes that its header declares for shape {shape}")
    if not complete:
        raise DataError(f"{file}: is cut off: it ends before its compressed data does")
    if len(decompressed) < size:
        raise DataError(
            f"{file}: holds {len(decompressed)} bytes, but its header declares {size} bytes for shape {shape}"
        )
    return np.frombuffer(decompressed, dtype=np.uint8, offset=start).reshape(shape)


def _decompress(content: bytes, limit: int, file: str) -> tuple[bytes, bool]:
    """At most ``limit`` decompressed bytes, and whether they are all there is, checksum verified."""
    stream = zlib.decompressobj(_GZIP)
    try:
        decompressed = stream.decompress(content, limit)
    except zlib.error as error:
        raise DataError(f"{file}: is no gzip file, or a damaged one ({error})") from error
    if stream.unused_data:
        raise DataError(f"{file}: has {len(stream.unused_data)} bytes after the end of its compressed data")
    return decompressed, stream.eof


def _declared_shape(header: bytes, file: str) -> tuple[int, ...]:
    """The dimensions in the header: two zero bytes, type code, number of dimensions, each as a big-endian uint32."""
    if len(header) < 4 or header[:2] != b"\0\0":
        raise DataError(f"{file}: is no IDX file: it starts with {header[:4].hex(' ') or 'nothing'}, not with 00 00")
    type_code, dimensions = header[2], header[3]
    if type_code != _UNSIGNED_BYTE:
        raise DataError(f"{file}: has IDX type code 0x{type_code:02x}; only unsigned bytes (0x08) can be read")
    if not 1 <= dimensions <= _MAX_DIMENSIONS:
        raise DataError(f"{file}: declares {dimensions} dimensions; expected 1 to {_MAX_DIMENSIONS}")
    if len(header) < 4 + 4 * dimensions:
        raise DataError(f"{file}: is cut off inside its header of {dimensions} dimensions")
    shape = tuple(int(size) for size in np.frombuffer(header, dtype=">u4", count=dimensions, offset=4))
    if 0 in shape:
        raise DataError(f"{file}: declares the shape {shape}, which holds no data")
    return shape
