"""Other processes, here or on other machines, as an executor."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager

from index_builder.errors import RemoteError, UsageError

_PATIENCE = 10


@contextmanager
def processes(count: int) -> Iterator[Executor]:
    """Yield an executor over `count` processes of this machine; they begin with the first work."""
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    executor = ProcessPoolExecutor(count, mp_context=context, initializer=_leave_interrupts_to_the_builder)
    try:
        yield executor
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _leave_interrupts_to_the_builder() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def cluster(address: str, builder: Callable[[], str]) -> Iterator[Executor]:
    """Yield an executor over the workers of a dask scheduler at HOST:PORT, on all of which `builder` must say what it says here.

    Raises UsageError, RemoteError.
    """
    try:
        from distributed import Client  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        msg = "--executor dask://… needs the library distributed"
        raise UsageError(msg, fix="pip install 'index-builder[cluster]', here and for the workers") from error
    try:
        client = Client(f"tcp://{address}", timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        msg = f"no dask scheduler answers at {address}: {error}"
        raise RemoteError(msg, fix="start one with `dask scheduler`, and workers with `dask worker HOST:PORT`") from error
    with client:
        builders = client.run(builder)
        if not builders:
            msg = f"the dask scheduler at {address} has no workers"
            raise RemoteError(msg, fix=f"start one: dask worker {address}")
        ours = builder()
        for worker, other in builders.items():
            if other != ours:
                msg = f"the worker {worker} has the builder {other}, this one is {ours}: their pages may differ"
                raise UsageError(msg, fix="install the same version of index-builder and its libraries on all workers")
        yield client.get_executor(pure=False)
