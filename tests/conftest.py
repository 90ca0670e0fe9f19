"""For the whole suite: nothing talks to another machine, and nothing touches the user's own files."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import socket
import sys
import tempfile
import traceback
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.waiting import PATIENCE_S, end_all

if TYPE_CHECKING:
    from collections.abc import Iterator

# Before anything is imported that reads them. Children inherit all of it.
_HOME = Path(tempfile.mkdtemp(prefix="rgbd-seg-tests-"))
for _name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
    # Workers share the cache of the process that has started them: what one has converted, the others find there.
    if _name != "XDG_CACHE_HOME" or "PYTEST_XDIST_WORKER" not in os.environ:
        os.environ[_name] = str(_HOME / _name.lower())
for _name in ("HOME", "USERPROFILE"):  # Vendors' libraries write there: librealsense a list of what was used.
    os.environ[_name] = str(_HOME / "home")
(_HOME / "home").mkdir()
os.environ["RGBD_SEG_LOG_DIR"] = str(_HOME / "log")
# Hundreds of children import the program: each would compile it anew where a machine is told to keep no compiled files.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
os.environ.setdefault("OMP_NUM_THREADS", "1")  # The networks are tiny: threads would only wait for each other.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from rgbd_seg.inference.cpu import wait_passively  # noqa: E402 (behind the variables above)
from rgbd_seg.inference.torch.triton_beside_mesa import settle  # noqa: E402

wait_passively()  # Threads that spin cost a test several times what it computes; children inherit this, too.
settle()  # Tests render rooms and compile networks in one process.

# A suite that a shell runs in the background ignores Ctrl-C, and its children would too.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_tried_to_leave: list[str] = []


def _stay_here(event: str, args: tuple[Any, ...]) -> None:
    """An audit hook: every connection and look-up that is not for this very machine is refused and remembered."""
    if event == "socket.connect":
        connected, address = args
        if connected.family == socket.AF_UNIX or _is_local(address[0]):
            return
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        if _is_local(args[0]):
            return
    else:
        return
    _tried_to_leave.append(f"{event} {args}")
    raise PermissionError(f"the tests must not use the network: {event} {args}")


def _is_local(host: str | bytes | None) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    return name in (None, "", "localhost", "::1", "0.0.0.0", socket.gethostname()) or str(name).startswith("127.")


sys.addaudithook(_stay_here)

# A worker gets a file at a time, and whoever begins a long one last is waited for: these come first. The others follow
# by the number of their tests, most first.
_LONG = (
    "reliability/test_faults.py",
    "training/run/test_processes.py",
    "training/run/test_ending.py",
    "training/run/test_repeat.py",
    "training/run/test_fit.py",
    "inference/openvino/test_conversion.py",
    "inference/openvino/test_segmenter.py",
    "inference/onnx/test_segmenter.py",
    "inference/openvino/test_int8.py",
    "inference/test_graph_export.py",
    "sensors/isolation/test_isolated.py",
    "bench/test_window.py",
    "bench/test_inference.py",
    "bench/test_smoothing.py",
    "training/run/test_bench.py",
    "training/data/test_rooms.py",
    "training/preparation/test_rooms.py",
    "training/test_recipes.py",
    "app/test_real_window.py",
    "reliability/test_soak.py",
    "test_extensions.py",
    "test_nothing_leaves.py",
    "api/test_examples.py",
    "api/test_typing.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Orders the files; the order in a file stays."""
    counts = Counter(item.path for item in items)
    places = {Path(__file__).parent / name: place for place, name in enumerate(_LONG)}
    if gone := [str(path) for path in places if not path.is_file()]:
        raise pytest.UsageError(f"the list of long files in {__file__} names what is gone: {gone}")
    items.sort(key=lambda item: (places.get(item.path, len(_LONG)), -counts[item.path], item.path))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Leaves out of garbage collection whatever importing the tests has made: each full one would look through it."""
    gc.disable()
    # Its plugin does so at the end anyway, and would not find then what other libraries have for it.
    import hypothesis  # noqa: F401

    yield
    gc.collect()
    gc.freeze()
    gc.collect()  # What is left is counted anew: automatic collection goes by that.
    gc.enable()


@pytest.fixture(autouse=True)
def _nothing_left_the_machine() -> Any:
    """Fails the test that tried to reach the network, even if the library swallowed the refusal."""
    _tried_to_leave.clear()
    yield
    assert not _tried_to_leave


@pytest.fixture(scope="session", autouse=True)
def _patience_with_drivers() -> Iterator[None]:
    """The processes of drivers have a test's time to answer, unless the test gives them other limits."""
    from rgbd_seg.sensors.isolation import isolated

    patient = partial(isolated.TimeLimits, open_s=PATIENCE_S, answer_s=PATIENCE_S, control_s=PATIENCE_S)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(isolated, "TimeLimits", patient)
        yield


_FAILED = pytest.StashKey[bool]()
# What Python keeps for the whole process.
_STAYS = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Notes a failure, and drops what its frames hold: open files and processes would trouble the next tests."""
    report = yield
    if report.failed:
        item.stash[_FAILED] = True
        if call.excinfo is not None and not item.config.getoption("usepdb"):
            _drop_variables(call.excinfo.value)
    return report


def _drop_variables(error: BaseException | None) -> None:
    """Of the functions that an error went through, and of the errors that it came from."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        traceback.clear_frames(error.__traceback__)
        for frame, _ in traceback.walk_tb(error.__traceback__):
            frame.f_locals.values()  # Looking renews the copy that was made for the report: it holds them as well.
        error = error.__cause__ or error.__context__


def _children() -> set[int]:
    """Process ids of this process's own children."""
    try:
        return {
            int(pid) for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()
        }
    except OSError:  # Another system, or a thread that has just ended.
        return {child.pid for child in psutil.Process().children()}


@pytest.fixture(autouse=True)
def _nothing_runs_on(request: pytest.FixtureRequest) -> Iterator[None]:
    """Ends what a test has left running; a test that passed fails for it."""
    before = _children()
    yield
    left = []
    for pid in _children() - before:
        try:
            process = psutil.Process(pid)
            if not any(name in " ".join(process.cmdline()) for name in _STAYS):
                left.append(process)
        except psutil.NoSuchProcess:
            continue
    names = [str(process) for process in left if process.is_running()]
    if request.node.stash.get(_FAILED, False):
        end_all(left)
        gc.collect()  # What the test held is complained of here and not in the next one.
    elif left:
        end_all(left)
        pytest.fail(f"processes are left: {names}")


def pytest_unconfigure() -> None:
    """Removes the home; also that of the process that only starts workers."""
    shutil.rmtree(_HOME, ignore_errors=True)
