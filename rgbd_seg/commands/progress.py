"""The progress bar of long commands: on a terminal only, so that logs and pipes stay clean."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(title: str, unit: str = " frames") -> Iterator[Callable[[int, int | None], None]]:
    """Shows a bar on standard error.

    Yields:
        What to call with the number done and the number of all, None if nobody knows it.
    """
    from tqdm import tqdm

    with tqdm(desc=title, unit=unit, disable=not sys.stderr.isatty()) as bar:

        def show(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show


@contextmanager
def percent_bar(*, shown: bool = True) -> Iterator[Callable[[float], None]]:
    """The same for work whose steps nobody counts; it goes away when it is done.

    Yields:
        What to call with the part done, 0..1.
    """
    from tqdm import tqdm

    with tqdm(total=100, unit="%", leave=False, disable=not (shown and sys.stderr.isatty())) as bar:

        def show(done: float) -> None:
            bar.update(done * 100 - bar.n)

        yield show
