from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from npnn_cli.training.allocator import keep_freed_memory

PAGE_FAULTS_OF_TEN_ALLOCATIONS = """
import resource
import numpy as np
from npnn_cli.training.allocator import keep_freed_memory
{call}
arrays = [np.ones(2**20, np.float32) for _ in range(2)]
del arrays
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    arrays = [np.ones(2**20, np.float32) for _ in range(2)]
    del arrays
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(call: str) -> int:
    program = PAGE_FAULTS_OF_TEN_ALLOCATIONS.format(call=call)
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return int(finished.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux") or not hasattr(ctypes.CDLL(None), "mallopt"), reason="glibc")
def test_freed_memory_is_reused():
    assert page_faults("keep_freed_memory()") < 20 < page_faults("")


@pytest.mark.parametrize("library", [object(), None], ids=["without mallopt", "no library"])
def test_nothing_happens_where_there_is_no_such_function(monkeypatch, library):
    def load(name):
        if library is None:
            raise TypeError("bad argument type for built-in operation")
        return library

    monkeypatch.setattr(ctypes, "CDLL", load)

    keep_freed_memory()
