"""Failures of a stage as messages that a user can act on."""

import errno

from whence.errors import WhenceError
from whence.worker.messages import StageEvent

FULL = "The disk is full. Make room; the job goes on from its last checkpoint."
NO_MEMORY = (
    "The memory of this machine is not enough for this job. Use a smaller batch_size or max_length, "
    "or LoRA in place of full fine-tuning."
)


def failure_event(error: BaseException) -> StageEvent:
    """The last event of a stage that an error ended."""
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, WhenceError):
        return StageEvent(failure=str(error), kind="user")
    if is_full(error):
        return StageEvent(failure=FULL, kind="disk")
    if isinstance(error, MemoryError) or "out of memory" in text.lower() or "can't allocate memory" in text:
        return StageEvent(failure=NO_MEMORY, kind="user")
    unforeseen = f"An unexpected error ended the job ({text}). The log of the worker has all of it."
    return StageEvent(failure=unforeseen, kind="fault")


def is_full(error: BaseException) -> bool:
    """True if an error says that the disk is full; some libraries say so only in their message."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return "No space left on device" in str(error)
