"""Other processes, here or on other machines, as an executor."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from typing import Any, ParamSpec, TypeVar

from index_builder.errors import RemoteError, UsageError
from index_builder.ports.machine import Helpers

_PATIENCE = 10
#: Seconds between two looks at whether the builder is still there.
_GLANCE = 0.5
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


@contextmanager
def processes(count: int) -> Iterator[Executor]:
    """Yield an executor over `count` processes of this machine; they begin with the first work."""
    is_linux = sys.platform == "linux"
    made = _Forks if is_linux else _Processes
    context = multiprocessing.get_context("fork" if is_linux else "spawn")
    executor = made(count, mp_context=context, initializer=_begin, initargs=(os.getpid(),))
    try:
        yield executor
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


class _Processes(ProcessPoolExecutor):
    """Processes that begin while no signal comes through: one that arrived inside a fork would be lost, or end a worker."""

    def submit(self, fn: Callable[_Given, _Result], /, *args: _Given.args, **kwargs: _Given.kwargs) -> Future[_Result]:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            return super().submit(fn, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Forks(_Processes, Helpers):
    """Processes that have the builder's locks, because they have its open files."""


def _begin(builder: int) -> None:
    """Leave interrupts to the builder, and do not outlive it: a worker has its locks too, and would keep the next build out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    threading.Thread(target=_end_with, args=(builder,), daemon=True).start()


def _end_with(builder: int) -> None:
    while os.getppid() == builder:
        time.sleep(_GLANCE)
    os._exit(1)


@contextmanager
def cluster(address: str, builder: Callable[[], str]) -> Iterator[Executor]:
    """Yield an executor over the workers of a dask scheduler at HOST:PORT, on all of which `builder` must say what it says here.

    Raises UsageError, RemoteError.
    """
    try:
        distributed: Any = import_module("distributed")
    except ImportError as error:
        msg = "--executor dask://… needs the library distributed"
        raise UsageError(msg, fix="pip install 'index-builder[cluster]', here and for the workers") from error
    try:
        client = distributed.Client(f"tcp://{address}", timeout=_PATIENCE, set_as_default=False)
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
