"""Long tasks on the archive, one at a time, and how far they are.

A task works in a native thread, so the event loop never waits for the disk. It says how far it is through a ``Report``,
which is the same for the command line; ``Jobs`` keeps the newest report and tells its listeners twice a second.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from websocket import green
from websocket.errors import ArchiveError
from websocket.records import to_rfc3339

logger = logging.getLogger(__name__)

TELL_INTERVAL_S = 0.5
"""How often listeners hear of a task that goes on."""

KEPT = 20
"""How many tasks are remembered after their end."""

CLOSE_WAIT_S = 5.0
"""How long ``close()`` waits for a task to notice that it has to end."""

Task = Literal["backup", "export"]
State = Literal["running", "verifying", "done", "failed"]
Unit = Literal["pages", "rows"]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """How far a task is.

    Attributes:
        done: what is done of ``total``.
        total: all that there is to do; None while it is not known.
        unit: what is counted.
        verifying: True when all is written and is being read again.
    """

    done: int
    total: int | None
    unit: Unit
    verifying: bool = False


Report = Callable[[Step], None]
"""Takes note of a step. It may raise ``Cancelled``, which the task lets through after it has tidied up."""


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """A task on the archive.

    Attributes:
        id: from 1, since the start of the process.
        task: ``backup`` or ``export``.
        state: ``running``; ``verifying``: what was written is being read again; ``done``; ``failed``, see ``reason``.
        done: what is done of ``total``.
        total: all that there is to do, or null while that is not known.
        unit: what ``done`` and ``total`` count, pages of the file or rows; null before the first step.
        started_at: RFC 3339 UTC.
        finished_at: the same, or null while it runs.
        file: name of the file that was made, or null before it is whole.
        size_bytes: of that file, or null.
        reason: why it failed, or null.
    """

    id: int
    task: Task
    state: State
    done: int
    total: int | None
    unit: Unit | None
    started_at: str
    finished_at: str | None
    file: str | None
    size_bytes: int | None
    reason: str | None


class Busy(ArchiveError):
    """Another task runs.

    Attributes:
        running: that task.
    """

    def __init__(self, running: Progress) -> None:
        super().__init__(f"The {running.task} of {running.started_at} still runs.")
        self.running = running


class Cancelled(ArchiveError):
    """The task was asked to end before it was done."""


def ignore(_step: Step) -> None:
    """The report of those whom it does not interest how far a task is."""


class Jobs:
    """Runs one task at a time in a native thread and remembers the last ones. For green threads only.

    Args:
        clock: wall clock, Unix seconds.
    """

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._tasks: deque[Progress] = deque(maxlen=KEPT)
        self._listeners: list[Callable[[Progress], object]] = []
        self._count = 0
        self._step: Step | None = None
        self._is_closed = False

    def listen(self, listener: Callable[[Progress], object]) -> None:
        """Calls ``listener`` when a task begins, as it goes on, and when it ends; its errors are logged."""
        self._listeners.append(listener)

    @property
    def running(self) -> Progress | None:
        """The task that runs, or None."""
        newest = self._newest()
        return newest if newest is not None and newest.finished_at is None else None

    def recent(self) -> list[Progress]:
        """The last tasks, newest first."""
        return list(reversed(self._tasks))

    def last(self, task: Task) -> Progress | None:
        """The newest of a kind, or None when there was none since the start of the process."""
        return next((progress for progress in self.recent() if progress.task == task), None)

    def start(self, task: Task, work: Callable[[Report], Path]) -> Progress:
        """Begins a task and does not wait for it.

        Args:
            task: its kind.
            work: does it; gives the file that it made. It runs in a native thread, so it must neither log nor use
                anything of ours that is not its own. An ``ArchiveError`` from it is told as the reason.

        Raises:
            Busy: another one runs.
            Cancelled: the service is about to end.
        """
        if self._is_closed:
            raise Cancelled("The service is about to end.")
        if self.running is not None:
            raise Busy(self.running)
        self._count += 1
        self._step = None
        progress = Progress(
            id=self._count,
            task=task,
            state="running",
            done=0,
            total=None,
            unit=None,
            started_at=to_rfc3339(self._clock()),
            finished_at=None,
            file=None,
            size_bytes=None,
            reason=None,
        )
        self._tasks.append(progress)
        self._tell()
        green.spawn(self._run, progress.id, work)
        green.spawn(self._follow, progress.id)
        return progress

    def close(self) -> None:
        """Asks the running task to end, and waits for that a little."""
        self._is_closed = True
        waited_s = 0.0
        while self.running is not None and waited_s < CLOSE_WAIT_S:
            green.sleep(0.05)
            waited_s += 0.05

    def _run(self, number: int, work: Callable[[Report], Path]) -> None:
        name: str | None = None
        size: int | None = None
        reason: str | None = None
        try:
            name, size = green.run_in_native_thread(_measured, work, self._report)
        except ArchiveError as error:
            reason = str(error)
            logger.warning("archive task failed number=%d reason=%s", number, reason)
        except Exception:
            reason = "This failed on our side; it is logged."
            logger.exception("archive task failed number=%d", number)
        self._take_step()
        newest = self._tasks[-1]
        self._tasks[-1] = msgspec.structs.replace(
            newest,
            state="done" if reason is None else "failed",
            finished_at=to_rfc3339(self._clock()),
            file=name,
            size_bytes=size,
            reason=reason,
        )
        if reason is None:
            logger.info("archive task done task=%s file=%s bytes=%s", newest.task, name, size)
        self._tell()

    def _follow(self, number: int) -> None:
        while True:
            green.sleep(TELL_INTERVAL_S)
            if self.running is None or self.running.id != number:
                return
            if self._take_step():
                self._tell()

    def _report(self, step: Step) -> None:
        """Called in the native thread: it only puts the step down, for ``_follow`` to see."""
        if self._is_closed:
            raise Cancelled("The service ended before it was done.")
        self._step = step

    def _take_step(self) -> bool:
        """Takes over the newest step; False when nothing is new."""
        newest, step = self._tasks[-1], self._step
        if step is None:
            return False
        self._tasks[-1] = msgspec.structs.replace(
            newest,
            state="verifying" if step.verifying else "running",
            done=step.done,
            total=step.total,
            unit=step.unit,
        )
        return self._tasks[-1] != newest

    def _newest(self) -> Progress | None:
        return self._tasks[-1] if self._tasks else None

    def _tell(self) -> None:
        for listener in self._listeners:
            try:
                listener(self._tasks[-1])
            except Exception:
                logger.exception("listener of the archive's tasks failed")


def _measured(work: Callable[[Report], Path], report: Report) -> tuple[str, int]:
    """Name and size of the file that the work made."""
    file = work(report)
    return file.name, file.stat().st_size
