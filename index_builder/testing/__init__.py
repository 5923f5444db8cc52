"""Public fakes: every port in memory, for tests of this project and of those who build on it.

The suites in `tests/ports/` run against these and against the adapters, so that what holds for one holds for the other.
Nothing here sleeps, opens a socket or touches a disk.
"""

from index_builder.testing.clock import FakeClock
from index_builder.testing.pool import MemoryPool, sha256
from index_builder.testing.progress import RecordingProgress, SilentProgress
from index_builder.testing.site import MemorySite
from index_builder.testing.transport import Answer, Request, ScriptedTransport
from index_builder.testing.tree import MemoryTree

__all__ = [
    "Answer",
    "FakeClock",
    "MemoryPool",
    "MemorySite",
    "MemoryTree",
    "RecordingProgress",
    "Request",
    "ScriptedTransport",
    "SilentProgress",
    "sha256",
]
