"""A Python child process with a message channel: it dies with its parent, and its parent never waits for it for ever.

Native camera libraries crash, hang and call `exit()`; they run in such a child. Messages are JSON objects. The child is
a fresh interpreter (nothing is forked, no `__main__` is imported again), so this works from any thread and script.
"""

from __future__ import annotations

import faulthandler
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from multiprocessing.connection import Connection, Pipe
from typing import Any, NoReturn

Message = dict[str, Any]

_ON_WINDOWS = sys.platform == "win32"
_MAX_MESSAGE_BYTES = 16 * 1024 * 1024
# Runs in the child: the parent's module search path first, then `enter` below.
_BOOT = (
    "import json, sys; setup = json.loads(sys.argv[1]); sys.path[:] = setup['path']; "
    "from rgbd_seg.sensors.isolation.child_process import enter; enter(setup)"
)


class ChildEnded(Exception):
    """The child process is gone; the text says how it ended."""


class Channel:
    """JSON messages over one end of a pipe, with a time limit on every wait."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def send(self, message: Message) -> None:
        """Sends one message.

        Raises:
            OSError: The other side is gone.
        """
        self._connection.send_bytes(json.dumps(message, separators=(",", ":")).encode())

    def receive(self, timeout_s: float | None) -> Message | None:
        """The next message, or None after `timeout_s` seconds (None waits for ever).

        Raises:
            EOFError, OSError: The other side is gone.
        """
        if not self._connection.poll(timeout_s):
            return None
        message: Message = json.loads(self._connection.recv_bytes(_MAX_MESSAGE_BYTES))
        return message

    def close(self) -> None:
        self._connection.close()


class ChildProcess:
    """The parent's side: starts the child, talks to it, and is sure to end it.

    Args:
        entry: `module:function` that the child runs with (channel, arguments).
        arguments: JSON values for that function.
        share: File descriptors that the child inherits under the same numbers (not on Windows).
    """

    def __init__(self, entry: str, arguments: Mapping[str, Any], share: Sequence[int] = ()) -> None:
        ours, theirs = Pipe(duplex=True)
        lifeline, self._hold = os.pipe()  # Nothing is ever written: it closes when this process ends, however it ends.
        self._crash_log = tempfile.TemporaryFile()
        self._exit_text = ""
        handles = [theirs.fileno(), lifeline, self._crash_log.fileno()]
        if _ON_WINDOWS:  # There the end of a pipe has a handle already, and the others have file descriptors.
            handles = _inheritable([handles[0], *map(_handle_of, handles[1:])])
        setup = {
            "path": sys.path,
            "entry": entry,
            "arguments": dict(arguments),
            "channel": handles[0],
            "lifeline": handles[1],
            "crash_log": handles[2],
        }
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _BOOT, json.dumps(setup)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # Some libraries print for ever.
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # Its threads would cost a quarter of the start.
                **_inheritance([*handles, *share]),
            )
        except OSError:
            ours.close()
            os.close(self._hold)
            self._crash_log.close()
            raise
        finally:
            theirs.close()
            os.close(lifeline)
        self._channel = Channel(ours)

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, message: Message) -> None:
        """Sends one message.

        Raises:
            ChildEnded: The child is gone; it has been cleaned up.
        """
        try:
            self._channel.send(message)
        except (OSError, ValueError):
            raise ChildEnded(self.end(grace_s=0.5)) from None

    def receive(self, timeout_s: float) -> Message | None:
        """The next message, or None after `timeout_s` seconds.

        Raises:
            ChildEnded: The child is gone; it has been cleaned up.
        """
        try:
            return self._channel.receive(max(timeout_s, 0.0))
        except (EOFError, OSError, ValueError):
            raise ChildEnded(self.end(grace_s=0.5)) from None

    def end(self, grace_s: float = 0.0) -> str:
        """Waits `grace_s` seconds for the child to end, then kills it; frees everything. May be called again.

        Returns:
            How it ended: "crashed with SIGSEGV in _grab (openni.py:120)", "exited with code 3", "was stopped".
        """
        if self._exit_text:
            return self._exit_text
        try:
            self._process.wait(grace_s)
            killed = False
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            killed = True
        self._channel.close()
        os.close(self._hold)
        self._crash_log.seek(0)
        place = _last_place(self._crash_log.read(65536).decode(errors="replace"))
        self._crash_log.close()
        self._exit_text = "was stopped" if killed else _describe_exit(self._process.returncode) + place
        return self._exit_text


def _inheritance(handles: list[int]) -> dict[str, Any]:
    """Arguments of Popen that let the child have exactly these descriptors (handles on Windows)."""
    if _ON_WINDOWS:
        startup = subprocess.STARTUPINFO(lpAttributeList={"handle_list": handles})  # type: ignore[attr-defined]
        return {"startupinfo": startup, "creationflags": subprocess.CREATE_NO_WINDOW}  # type: ignore[attr-defined]
    return {"pass_fds": handles}


def _handle_of(descriptor: int) -> int:
    """On Windows: the handle behind a file descriptor."""
    import msvcrt

    handle: int = msvcrt.get_osfhandle(descriptor)  # type: ignore[attr-defined]
    return handle


def _inheritable(handles: list[int]) -> list[int]:
    """On Windows: handles that a child may inherit from now on."""
    for handle in handles:
        os.set_handle_inheritable(handle, True)  # type: ignore[attr-defined]
    return handles


def _describe_exit(code: int) -> str:
    if code < 0:
        try:
            return f"crashed with {signal.Signals(-code).name}"
        except ValueError:
            return f"crashed with signal {-code}"
    if code >= 0xC0000000:  # Windows: the exception's code.
        return f"crashed with exception 0x{code:08X}"
    return f"exited with code {code}"


def _last_place(crash_log: str) -> str:
    """Where the crashed thread was, from faulthandler's report."""
    found = re.search(r'^Current thread.*?\n\s+File "([^"]+)", line (\d+) in (\S+)', crash_log, re.MULTILINE)
    return f" in {found[3]} ({os.path.basename(found[1])}:{found[2]})" if found else ""


# From here on: the child's side.


def enter(setup: Mapping[str, Any]) -> NoReturn:
    """Runs in the child: prepares it, calls the entry function, and leaves without running the libraries' clean-up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the parent, which ends us in order.
    descriptors = [setup["channel"], setup["lifeline"], setup["crash_log"]]
    if _ON_WINDOWS:
        import msvcrt
        from multiprocessing.connection import PipeConnection  # type: ignore[attr-defined]

        connection = PipeConnection(descriptors[0])
        flags = os.O_RDWR | getattr(os, "O_BINARY", 0)
        descriptors[1:] = [msvcrt.open_osfhandle(item, flags) for item in descriptors[1:]]  # type: ignore[attr-defined]
    else:
        connection = Connection(descriptors[0])
    _die_with_parent(descriptors[1])
    faulthandler.enable(file=descriptors[2])
    module, _, function = str(setup["entry"]).partition(":")
    code = 0
    try:
        getattr(import_module(module), function)(Channel(connection), **setup["arguments"])
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass  # The parent is gone.
    except BaseException:  # Also a library's SystemExit: it is told like any other, and nothing goes past _exit below.
        code = 70
        sys.excepthook(*sys.exc_info())
    sys.stderr.flush()
    os._exit(code)  # Destructors of camera libraries are where they crash.


def _die_with_parent(lifeline: int) -> None:
    """Ends this process when the other end of `lifeline` closes, even from inside a library that hangs.

    On Linux the kernel does it (a signal on hang-up needs neither the interpreter nor its lock; PR_SET_PDEATHSIG would
    fire when the parent's thread ends that started us). Elsewhere a thread waits for the end of the pipe.
    """
    if sys.platform == "linux":
        import fcntl

        fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)

    def wait() -> None:  # Also on Linux: the parent may have died before the signal was armed.
        while os.read(lifeline, 1):
            time.sleep(0.01)
        os._exit(0)

    threading.Thread(target=wait, daemon=True, name="lifeline").start()
