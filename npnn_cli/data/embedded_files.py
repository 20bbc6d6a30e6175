"""The data files that are part of the package, verified whenever they are read; SOURCES.md tells whose they are."""

from __future__ import annotations

import hashlib
from importlib import resources

from npnn_cli.data.errors import DataError

SHA256 = {
    "diabetes.csv": "9193026b7622ff944f0a6855a10107b24caf50dad69787c46e6890e69c27faca",
    "mnist/t10k-images-idx3-ubyte.gz": "1a1a05eab793c14bb050b398624a11b0ffd1a2953baed553b1b9bd079e2a20be",
    "mnist/t10k-labels-idx1-ubyte.gz": "b91679a0acfe4ba0e50a2437a903084cba1f5f92592b016a25a7dfd00455798b",
    "mnist/train-images-idx3-ubyte.gz": "0b367032e93c5d0cea0925647cfdb18614af8ee15f83e6f2fc2ad904a6835971",
    "mnist/train-labels-idx1-ubyte.gz": "1787548bbe0bff1ec2ecdc0ef292b02df999e2d1a6002d27500982c652b17203",
}


def read_embedded(name: str) -> bytes:
    """Read a data file of the package.

    Args:
        name: a key of ``SHA256``.

    Raises:
        DataError: if the file is missing, or its content is not the one that the package was published with.
    """
    file = resources.files("npnn_cli.data") / "embedded" / name
    try:
        content = file.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"{file}: is missing; reinstall npnn-cli") from error
    if hashlib.sha256(content).hexdigest() != SHA256[name]:
        raise DataError(f"{file}: is damaged (its SHA-256 differs from the published one); reinstall npnn-cli")
    return content
