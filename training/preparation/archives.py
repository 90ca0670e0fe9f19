"""Archives from elsewhere: fetched with resume, unpacked without leaving the target folder."""

from __future__ import annotations

import hashlib
import lzma
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from tqdm import tqdm

from rgbd_seg.errors import RgbdSegError

_CHUNK = 1 << 20
# Deflate makes nothing a thousandth of its size but a bomb; annotations and label files stay below 50.
_MOST_TIMES = 200
_SMALL_BYTES = 10_000_000
# All that zipfile raises for damaged archives; it documents the first only.
_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, NotImplementedError, RuntimeError, ValueError, LookupError),
)


def download(url: str, target: Path, md5: str | None = None) -> Path:
    """Fetches a file; a part of it that is already there is not fetched again.

    Args:
        url: Where it is.
        target: The file to write; until it is complete it is called `*.part`.
        md5: What the complete file must have, None if unknown.

    Returns:
        `target`.

    Raises:
        RgbdSegError: The server cannot be reached, broke off, or sent something else.
    """
    if target.is_file():
        return target
    if not url.startswith(("https://", "http://")):
        raise RgbdSegError(f"cannot fetch {url}: only http and https addresses are fetched")
    partial = target.with_name(target.name + ".part")
    have = partial.stat().st_size if partial.is_file() else 0
    request = Request(url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310 (looked at above)
    try:
        with urlopen(request, timeout=60) as answer:  # noqa: S310 (looked at above)
            resumed = answer.status == 206
            start = have if resumed else 0
            length = answer.headers.get("Content-Length")
            total = start + int(length) if length else None
            with (
                partial.open("ab" if resumed else "wb") as file,
                tqdm(total=total, initial=start, unit="B", unit_scale=True, desc=target.name) as bar,
            ):
                while chunk := answer.read(_CHUNK):
                    file.write(chunk)
                    bar.update(len(chunk))
    except HTTPError as error:
        if error.code != 416:  # 416: nothing is left to fetch.
            raise RgbdSegError(f"cannot fetch {url}: the server says {error.code} {error.reason}") from None
        total = have
    except (URLError, OSError) as error:
        raise RgbdSegError(
            f"fetching {url} broke off ({error}); run the command again, it goes on from there"
        ) from None
    size = partial.stat().st_size
    if total is not None and size != total:
        raise RgbdSegError(f"fetching {url} broke off after {size} of {total} bytes; run the command again, it goes on")
    if md5 is not None and file_md5(partial) != md5:
        partial.unlink()
        raise RgbdSegError(f"what {url} sent is not the expected file (its MD5 differs); it was deleted, try again")
    partial.replace(target)
    return target


def file_md5(path: Path) -> str:
    """MD5 of a file, as data sets publish it; says nothing about trust."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def extract(archive: Path, target: Path, wanted: Callable[[str], bool]) -> int:
    """Unpacks the wanted files of a ZIP archive; files that are there with the right size are left alone.

    Args:
        archive: The ZIP file.
        target: The folder to unpack into; nothing is written outside of it.
        wanted: Says of a name in the archive whether it is needed.

    Returns:
        How many wanted files the archive holds.

    Raises:
        RgbdSegError: The archive is damaged or half-downloaded, a name in it points outside the target, a file in it is
            a link or claims a size that its packed bytes cannot have, or the disk is too small.
    """
    try:
        with zipfile.ZipFile(archive) as file:
            members = [m for m in file.infolist() if not m.is_dir() and wanted(m.filename)]
            _check_room(members, target, archive)
            for member in tqdm(members, desc=f"unpacking {archive.name}", unit="file"):
                _extract_one(file, member, target, archive)
            return len(members)
    except _DAMAGED as error:
        raise RgbdSegError(
            f"{archive} is damaged or was not downloaded completely ({error}); fetch it again and run the command again"
        ) from None
    except OSError as error:  # A damaged archive also sends zipfile to places before its beginning.
        raise RgbdSegError(f"{archive} cannot be unpacked into {target}: {error.strerror or error}") from None


def _check_room(members: list[zipfile.ZipInfo], target: Path, archive: Path) -> None:
    """Compares what the archive claims to hold with its own size and with the disk, before anything is written."""
    for member in members:
        if member.file_size > _SMALL_BYTES + _MOST_TIMES * member.compress_size:
            raise RgbdSegError(f"{archive}: {member.filename!r:.200} claims to be {member.file_size} bytes large")
    target.mkdir(parents=True, exist_ok=True)
    needed, free = sum(member.file_size for member in members), shutil.disk_usage(target).free
    if needed > free:
        raise RgbdSegError(
            f"{archive} unpacks to {needed / 1e9:.1f} GB, but {target} has only {free / 1e9:.1f} GB left"
        )


def _extract_one(file: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, archive: Path) -> None:
    path = PurePosixPath(member.filename.replace("\\", "/"))
    if path.is_absolute() or not path.parts or ".." in path.parts or ":" in path.parts[0]:
        raise RgbdSegError(f"{archive} holds the name {member.filename!r:.200}, which points outside the target folder")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise RgbdSegError(f"{archive} holds a link, {member.filename!r:.200}: links are not unpacked")
    where = target.joinpath(*path.parts)
    if where.is_file() and where.stat().st_size == member.file_size:
        return
    where.parent.mkdir(parents=True, exist_ok=True)
    partial = where.with_name(where.name + ".part")
    written = 0
    with file.open(member) as source, partial.open("wb") as sink:
        while chunk := source.read(_CHUNK):
            written += len(chunk)
            if written > member.file_size:
                raise RgbdSegError(f"{archive}: {member.filename!r:.200} is larger than the archive says")
            sink.write(chunk)
    partial.replace(where)
