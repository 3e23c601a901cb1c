"""The seam to the library of green threads."""

from __future__ import annotations

import ast
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.native_gate import NativeGate
from tests.support.processes import wait_until
from websocket import green

ROOT = Path(__file__).resolve().parents[1]


def run(script: str) -> str:
    """The output of a program of its own, which begins as our entry points do."""
    command = [sys.executable, "-c", f"from websocket import green\ngreen.patch()\n{script}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


class TestSeam:
    def names_of(self, file: Path) -> set[str]:
        """Everything that the code of a file names: imports, identifiers, and texts that are one word."""
        names: set[str] = set()
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add((node.module or "").split(".")[0])
            elif isinstance(node, ast.Name):
                names.add(node.id)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                names.add(node.value)
        return names

    def test_one_module_names_the_library(self) -> None:
        """Whoever leaves it one day edits one file."""
        files = [*(ROOT / "websocket").rglob("*.py"), *ROOT.glob("*.py")]
        assert [file.name for file in files if "eventlet" in self.names_of(file)] == ["green.py"]

    def test_entry_points_patch_first(self) -> None:
        """Before anything else is imported: what is imported earlier keeps the blocking functions."""
        for name in ("app.py", "start_service.py"):
            statements = ast.parse((ROOT / name).read_text()).body
            code = [statement for statement in statements if not isinstance(statement, ast.Expr)][:2]
            # around it a line may be said about packages that are missing
            first = [one.body[0] if isinstance(one, ast.Try) else one for one in code]
            assert list(map(ast.unparse, first)) == [
                "from __future__ import annotations",
                "from websocket import green",
            ]
            first_call = next(node for node in statements[1:] if isinstance(node, ast.Expr))
            assert ast.unparse(first_call) == "green.patch()"
            assert statements.index(first_call) == 3

    def test_patching_twice_changes_nothing(self) -> None:
        """The worker of gunicorn has done it before us."""
        assert green.is_patched()
        before = socket.getaddrinfo
        green.patch()
        assert socket.getaddrinfo is before

    def test_an_import_alone_patches_nothing(self) -> None:
        """Programs that only read the settings stay as they are."""
        script = "from websocket import green; print(green.is_patched())"
        command = [sys.executable, "-c", script]
        assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == "False\n"

    def test_importing_it_warns_of_nothing(self) -> None:
        """The library's notice of its retirement is no business of the operator's."""
        command = [sys.executable, "-W", "error", "-c", "from websocket import green"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        assert done.stderr == ""


class TestDeadline:
    def test_block_in_time_is_left_alone(self) -> None:
        """Also later: nothing goes off after its end."""
        with green.deadline(0.05):
            green.sleep(0)
        green.sleep(0.1)

    def test_block_that_waits_too_long_is_interrupted(self) -> None:
        """The message says how long it had."""
        with pytest.raises(green.DeadlineExceeded, match=r"more than 0\.05 s"), green.deadline(0.05):
            green.sleep(30)

    def test_inner_deadline_leaves_the_outer_block_running(self) -> None:
        """The outer one still counts."""

        def block() -> None:
            with green.deadline(0.2):
                with pytest.raises(green.DeadlineExceeded, match=r"0\.05 s"), green.deadline(0.05):
                    green.sleep(30)
                green.sleep(30)

        with pytest.raises(green.DeadlineExceeded, match=r"0\.2 s"):
            block()

    def test_outer_deadline_is_not_taken_for_the_inner_one(self) -> None:
        """Code that handles its own deadline must not swallow that of its caller."""
        handled = []

        def block() -> None:
            try:
                with green.deadline(30):
                    green.sleep(30)
            except green.DeadlineExceeded:
                handled.append("inner")

        with pytest.raises(green.DeadlineExceeded, match=r"0\.05 s"), green.deadline(0.05):
            block()
        assert handled == []

    def test_handlers_of_errors_do_not_catch_it_half_way(self) -> None:
        """``except Exception`` inside of the block, as libraries have it, does not stop the interruption."""
        caught = []

        def block() -> None:
            try:
                green.sleep(30)
            except Exception as error:  # noqa: BLE001  the very thing under test
                caught.append(error)

        with pytest.raises(green.DeadlineExceeded), green.deadline(0.05):
            block()
        assert caught == []

    def test_errors_of_the_block_pass(self) -> None:
        """And cancel the deadline."""
        with pytest.raises(KeyError), green.deadline(0.05):
            raise KeyError
        green.sleep(0.1)


class TestWaiting:
    def test_sleep_lets_others_run(self) -> None:
        """That is what it is for."""
        ran: list[int] = []
        green.spawn(ran.append, 1)
        assert ran == []
        green.sleep(0)
        assert ran == [1]

    def test_native_thread_holds_nobody_up(self) -> None:
        """A disk that hangs, for example; the result comes back, and so do errors."""
        ticks: list[int] = []
        reader, writer = os.pipe()

        def tick() -> None:
            for _ in range(5):
                green.sleep(0.01)
                ticks.append(1)
            os.write(writer, b"now")

        green.spawn(tick)
        # it blocks the thread that it runs in until five ticks have happened in ours
        assert green.run_in_native_thread(os.read, reader, 3) == b"now"
        assert len(ticks) == 5
        os.close(reader)
        os.close(writer)
        with pytest.raises(FileNotFoundError):
            green.run_in_native_thread(os.stat, "/no/such/file")

    def test_resolver_holds_nobody_up(self) -> None:
        """A name server that does not answer blocks whoever asked, and no other green thread."""
        said = run(
            "import os, socket\n"
            "reader, writer = os.pipe()\n"
            "def silent_server(*args):\n"
            "    return os.read(reader, 9)\n"
            "socket.getaddrinfo = silent_server\n"
            "green.patch()\n"
            "def others():\n"
            "    for _ in range(5):\n"
            "        green.sleep(0.01)\n"
            "    os.write(writer, b'answered')\n"
            "green.spawn(others)\n"
            "print(socket.getaddrinfo('example.org', 443))\n"
        )
        assert said == "b'answered'\n"

    def test_resolver_still_resolves(self) -> None:
        """With all that a caller may pass, and its own errors."""
        family, kind, _, _, address = socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)[0]
        assert (family, kind, address) == (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 80))
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo("not an address", 80, flags=socket.AI_NUMERICHOST)


class TestSignals:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_signal_is_waited_for_while_others_run(self, number: signal.Signals) -> None:
        """Its name comes back, and the process goes on to end in its own way."""
        said = run(
            "import os, signal\n"
            f"green.spawn(lambda: (green.sleep(0.05), os.kill(os.getpid(), {int(number)})))\n"
            "print(green.wait_for_signal(signal.SIGTERM, signal.SIGINT))\n"
        )
        assert said == f"{number.name}\n"

    def test_other_signals_do_not_end_the_wait(self) -> None:
        """Such as that of a child that ended."""
        said = run(
            "import os, signal\n"
            "signal.signal(signal.SIGUSR1, lambda *_: print('usr1'))\n"
            "def send():\n"
            "    os.kill(os.getpid(), signal.SIGUSR1)\n"
            "    green.sleep(0.05)\n"
            "    os.kill(os.getpid(), signal.SIGTERM)\n"
            "green.spawn(send)\n"
            "print(green.wait_for_signal(signal.SIGTERM))\n"
        )
        assert said == "usr1\nSIGTERM\n"

    def test_second_signal_does_not_disturb_the_end(self) -> None:
        """An impatient operator sends another one; what the first has begun goes on, without a word."""
        said = run(
            "import os, signal, sys\n"
            "sys.stderr = sys.stdout\n"
            "green.spawn(lambda: os.kill(os.getpid(), signal.SIGTERM))\n"
            "print(green.wait_for_signal(signal.SIGTERM))\n"
            "os.kill(os.getpid(), signal.SIGTERM)\n"
            "green.sleep(0.05)\n"
            "print('saved')\n"
        )
        assert said == "SIGTERM\nsaved\n"


class TestServing:
    def test_taken_port_is_an_error(self) -> None:
        """Two servers never share a port by accident."""
        listener = green.listen("127.0.0.1", 0)
        try:
            with pytest.raises(OSError, match="in use"):
                green.listen("127.0.0.1", listener.getsockname()[1])
        finally:
            listener.close()

    def test_port_can_be_taken_again_at_once(self) -> None:
        """After a restart, with connections of the old process still winding down."""
        listener = green.listen("127.0.0.1", 0)
        port = listener.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = listener.accept()
        accepted.close()
        listener.close()
        client.close()
        green.listen("127.0.0.1", port).close()


def test_time_passes_for_everybody() -> None:
    """The standard library's own sleep is cooperative too."""
    ran: list[int] = []
    green.spawn(ran.append, 1)
    time.sleep(0)
    assert ran == [1]


def test_native_call_that_has_not_begun_never_does_once_its_caller_is_gone() -> None:
    """All native threads may be busy; the caller's next attempt must not meet the one before."""
    gate = NativeGate()
    began: list[int] = []
    threads = green.NativeThreads("a few", size=2)
    for _ in range(2):
        green.spawn(threads.run, gate.wait)
    wait_until(gate.is_reached, "busy threads")
    calls = green.NativeCalls()
    try:
        with pytest.raises(green.DeadlineExceeded), green.deadline(0.05), green.noting_native_calls(calls):
            threads.run(began.append, 1)
        assert calls.under_way == 0
    finally:
        gate.open()
    assert threads.run(lambda: "later") == "later"
    assert began == []


def test_native_call_goes_on_without_its_caller() -> None:
    """It is noted until it has ended, whoever noted it."""
    gate, calls = NativeGate(), green.NativeCalls()

    def caller() -> None:
        with green.noting_native_calls(calls):
            green.run_in_native_thread(gate.wait)

    try:
        task = green.start(caller)
        wait_until(gate.is_reached, "the call")
        task.kill()
        assert calls.under_way == 1
    finally:
        gate.open()
    wait_until(lambda: calls.under_way == 0, "its end")


class TestNativeThreads:
    def test_one_kind_of_work_never_waits_for_another(self) -> None:
        """All threads of the readers are held up, and a hundred more reads wait: a write is done at once."""
        gate = NativeGate()
        for _ in range(100):
            green.spawn(green.DISK_READS.run, gate.wait)
        wait_until(gate.is_reached, "busy readers")
        try:
            with green.deadline(5):
                assert green.run_in_native_thread(lambda: "written") == "written"
        finally:
            gate.open()
        assert green.DISK_READS.run(lambda: "read") == "read"

    def test_calls_run_in_their_order(self) -> None:
        """Whoever came first is first; one thread is enough to see it."""
        gate, ran = NativeGate(), list[int]()
        threads = green.NativeThreads("one", size=1)
        green.spawn(threads.run, gate.wait)
        wait_until(gate.is_reached, "the busy thread")
        for number in range(20):
            green.spawn(threads.run, ran.append, number)
        green.sleep(0)
        gate.open()
        wait_until(lambda: len(ran) == 20, "all of them")
        assert ran == list(range(20))

    def test_no_more_threads_than_there_is_work_for(self) -> None:
        """Calls one after the other share one thread; calls at a time have one each, up to the size."""
        threads = green.NativeThreads("some", size=3)
        used = {threads.run(native_identity) for _ in range(20)}
        assert len(used) == 1
        gates = [NativeGate() for _ in range(5)]
        for gate in gates:
            green.spawn(threads.run, gate.wait)
        wait_until(lambda: sum(gate.is_reached() for gate in gates) == 3, "three busy threads")
        green.sleep(0.05)
        assert sum(gate.is_reached() for gate in gates) == 3
        for gate in gates:
            gate.open()

    def test_call_beyond_the_limit_is_refused_and_the_place_of_one_that_gave_up_is_free(self) -> None:
        """A queue without a limit is memory without a limit."""
        gate, calls = NativeGate(), green.NativeCalls()
        threads = green.NativeThreads("busy", size=1, max_waiting=2)
        green.spawn(threads.run, gate.wait)
        wait_until(gate.is_reached, "the busy thread")
        waiting = [green.start(threads.run, int) for _ in range(2)]
        green.sleep(0)
        try:
            with pytest.raises(green.NativeThreadsBusy), green.noting_native_calls(calls):
                threads.run(int)
            assert calls.under_way == 0
            waiting[0].kill()
            ran: list[int] = []
            green.spawn(threads.run, ran.append, 1)
            green.sleep(0)
        finally:
            gate.open()
        wait_until(lambda: ran, "the call that took the place")

    def test_errors_come_through_whatever_they_are(self) -> None:
        """And the thread goes on; a call inside of a call is an ordinary one."""
        threads = green.NativeThreads("one", size=1)

        def leave() -> None:
            raise SystemExit(3)

        with pytest.raises(SystemExit):
            threads.run(leave)
        with pytest.raises(ZeroDivisionError):
            threads.run(lambda: 1 / 0)
        assert threads.run(lambda: threads.run(lambda: "inside")) == "inside"

    def test_thousand_results_at_once_all_arrive(self) -> None:
        """More than the event loop is woken up for."""
        threads = green.NativeThreads("many", size=4)
        results: list[int] = []
        for number in range(1000):
            green.spawn(lambda number: results.append(threads.run(lambda: number)), number)
        wait_until(lambda: len(results) == 1000, "the results")
        assert sorted(results) == list(range(1000))

    def test_system_without_threads_is_an_error_of_the_first_call_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Later calls make do with the threads that there are; nothing is left behind."""
        threads = green.NativeThreads("few", size=2)
        with monkeypatch.context() as patched:
            patched.setattr(green._native_threading.Thread, "start", refuse_to_start)
            with pytest.raises(RuntimeError, match="can't start"):
                threads.run(int)
        gate = NativeGate()
        green.spawn(threads.run, gate.wait)
        wait_until(gate.is_reached, "the first thread")
        ran: list[int] = []
        with monkeypatch.context() as patched:
            patched.setattr(green._native_threading.Thread, "start", refuse_to_start)
            green.spawn(threads.run, ran.append, 1)
            green.sleep(0)
        gate.open()
        wait_until(lambda: ran, "the call that waited for the other one's thread")

    def test_process_that_was_forked_has_threads_of_its_own(self) -> None:
        """Those of its parent are not in it."""
        said = run(
            "import os, sys\n"
            "assert green.run_in_native_thread(lambda: 1) == 1\n"
            "pid = os.fork()\n"
            "if pid:\n"
            "    assert os.waitpid(pid, 0)[1] == 0\n"
            "else:\n"
            "    with green.deadline(20):\n"
            "        print(green.run_in_native_thread(lambda: 'child'), flush=True)\n"
            "    os._exit(0)\n"
        )
        assert said == "child\n"

    def test_thread_that_hangs_does_not_keep_the_process_from_ending(self) -> None:
        """A disk that never answers must not outlive the service."""
        said = run(
            "import os\n"
            "reader, writer = os.pipe()\n"
            "real = __import__('eventlet').patcher.original('os')\n"
            "green.spawn(green.run_in_native_thread, real.read, reader, 1)\n"
            "green.sleep(0.05)\n"
            "print('ends')\n"
        )
        assert said == "ends\n"


class TestResolver:
    HANGING = (
        "import socket, sys\n"
        "from tests.support.native_gate import NativeGate\n"
        "gate = NativeGate()\n"
        "real = socket.getaddrinfo\n"
        "def resolve(host, port, family, kind, proto, flags):\n"
        "    if flags & socket.AI_NUMERICHOST:\n"
        "        return real(host, port, family, kind, proto, flags)\n"
        "    gate.wait()\n"
        "    return []\n"
        "socket.getaddrinfo = resolve\n"
        "green.patch()\n"
        "from tests.support.processes import wait_until\n"
        "def ask(name):\n"
        "    try:\n"
        "        answers.append(socket.getaddrinfo(name, 443))\n"
        "    except OSError as error:\n"
        "        answers.append(error)\n"
        "answers = []\n"
    )
    """A resolver that answers nothing before the gate is open, except for addresses."""

    def test_hanging_resolver_keeps_nobody_from_the_disk_nor_from_an_address(self) -> None:
        """More questions than it has threads and places: those beyond are refused with the resolver's own error."""
        said = run(
            self.HANGING + "for number in range(green.NAMES._size + green.NAMES._max_waiting + 5):\n"
            "    green.spawn(ask, f'host{number}.example')\n"
            "wait_until(lambda: len(answers) == 5, 'the refusals')\n"
            "print({(type(error).__name__, error.errno == socket.EAI_AGAIN) for error in answers})\n"
            "with green.deadline(5):\n"
            "    print(green.run_in_native_thread(lambda: 'written'), green.DISK_READS.run(lambda: 'read'))\n"
            "    print(socket.getaddrinfo('127.0.0.1', 6379, type=socket.SOCK_STREAM)[0][4])\n"
            "    print(socket.getaddrinfo('::1', 6379, type=socket.SOCK_STREAM)[0][4][0])\n"
        )
        assert said == "{('gaierror', True)}\nwritten read\n('127.0.0.1', 6379)\n::1\n"

    def test_question_without_an_answer_ends_with_the_usual_error(self) -> None:
        """Also for those who set no deadline of their own; those who do get theirs."""
        said = run(
            self.HANGING + "green.RESOLVE_S = 0.1\n"
            "ask('example.org')\n"
            "print(answers[0].errno == socket.EAI_AGAIN, answers[0].strerror)\n"
            "green.RESOLVE_S = 60\n"
            "try:\n"
            "    with green.deadline(0.1):\n"
            "        ask('example.org')\n"
            "except green.DeadlineExceeded as late:\n"
            "    print(late)\n"
        )
        assert said == "True no answer from the resolver in time\nmore than 0.1 s\n"

    def test_question_that_goes_on_holds_no_job_up(self) -> None:
        """The job's next run may ask again."""
        said = run(
            self.HANGING + "calls = green.NativeCalls()\n"
            "try:\n"
            "    with green.deadline(0.1), green.noting_native_calls(calls):\n"
            "        ask('example.org')\n"
            "except green.DeadlineExceeded:\n"
            "    print(calls.under_way)\n"
        )
        assert said == "0\n"


def native_identity() -> int:
    """Which native thread runs this."""
    return int(green._native_threading.get_ident())


def refuse_to_start(_thread: object) -> None:
    """What Python says when the system's limit is reached."""
    raise RuntimeError("can't start new thread")
