"""Work in parts, in this process or over an executor: the same results in the same order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import suppress
from itertools import chain, islice
from typing import Final, TypeVar

Item = TypeVar("Item")
Task = TypeVar("Task")
Result = TypeVar("Result")

#: So many parts are under way or waiting to be used at a time: enough for a worker to find the next, few enough to hold.
_AHEAD: Final = 12
#: Fewer parts are done here: workers would take longer to begin.
_WORTH: Final = 3


def spread(executor: Executor | None, work: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[tuple[Task, Result]]:
    """Yield each task with its result, in order; a part whose worker was lost is done here. Raises what `work` raises."""
    left = iter(tasks)
    first = list(islice(left, _WORTH))
    left = chain(first, left)
    if executor is None or len(first) < _WORTH:
        yield from ((task, work(task)) for task in left)
        return
    waiting: deque[tuple[Task, Future[Result] | None]] = deque()
    try:
        while True:
            for task in islice(left, _AHEAD - len(waiting)):
                waiting.append((task, _submitted(executor, work, task)))
            if not waiting:
                return
            task, future = waiting.popleft()
            yield task, work(task) if future is None else _result(future, work, task)
    finally:
        for _, future in waiting:
            if future is not None:
                future.cancel()


def _submitted(executor: Executor, work: Callable[[Task], Result], task: Task) -> Future[Result] | None:
    """Return the task's future, or None where no worker is left."""
    with suppress(BrokenExecutor, RuntimeError):
        return executor.submit(work, task)
    return None


def _result(future: Future[Result], work: Callable[[Task], Result], task: Task) -> Result:
    try:
        return future.result()
    except Exception as error:
        if not isinstance(error, BrokenExecutor) and type(error).__name__ not in _LOST:
            raise
    return work(task)


#: What `distributed` raises where a worker, or all of them, went: it is imported only by whoever uses it.
_LOST: Final = ("KilledWorker", "FutureCancelledError", "CommClosedError")


def batches(items: Iterable[Item], size: int) -> Iterator[tuple[Item, ...]]:
    """Yield items in tuples of `size`, the last of what is left."""
    left = iter(items)
    while batch := tuple(islice(left, size)):
        yield batch
