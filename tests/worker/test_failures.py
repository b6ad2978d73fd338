import errno

import pytest

from whence.errors import DataError, ModelError
from whence.worker.failures import FULL, NO_MEMORY, failure_event


def test_what_a_user_can_mend_is_told_as_it_is():
    for error in (DataError("Line 3 is bad. Mend it."), ModelError("Line 3 is bad. Mend it.")):
        said = failure_event(error)
        assert (said.failure, said.kind) == ("Line 3 is bad. Mend it.", "user")


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        RuntimeError("I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_told_from_other_trouble(error: Exception):
    said = failure_event(error)
    assert (said.failure, said.kind) == (FULL, "disk")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8589934592 bytes"),
    ],
)
def test_too_little_memory_says_what_to_change(error: Exception):
    said = failure_event(error)
    assert (said.failure, said.kind) == (NO_MEMORY, "user")


def test_anything_else_is_nobodys_fault_but_ours():
    said = failure_event(KeyError("weight"))
    assert said.kind == "fault"
    assert "KeyError: 'weight'" in str(said.failure)
    assert failure_event(PermissionError(errno.EACCES, "Permission denied")).kind == "fault"
