"""What commands show and write: calm tables, JSON beside them, files that are whole or absent."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from drafthart.generator.errors import DrafthartError

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

_PATIENCE = 2.0
"""Seconds after which people want to know how long something takes."""

_T = TypeVar("_T")


def say(*lines: str | Text | Table) -> None:
    """Print lines and tables to stdout. Texts are taken as they are, never as markup."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False, emoji=False)
    with console.capture() as captured:
        for line in lines:
            console.print(line, soft_wrap=not isinstance(line, Table))
    # Rich fills the rows of a table with spaces, which would end up in pipes and files.
    for shown in captured.get().splitlines():
        sys.stdout.write(f"{shown.rstrip(' ')}\n")


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str | Text]],
    *,
    header: bool = True,
    first: int | None = None,
) -> Table:
    """A table without frames. The last column wraps, and the first beyond `first` characters."""
    from rich.table import Table
    from rich.text import Text

    result = Table(
        box=None, padding=(0, 2, 0, 0), header_style="bold", show_header=header, pad_edge=False
    )
    for number, column in enumerate(columns[:-1]):
        if number == 0 and first is not None:
            result.add_column(column, max_width=first, overflow="fold")
        else:
            result.add_column(column, no_wrap=True)
    result.add_column(columns[-1], overflow="fold")
    for row in rows:
        result.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    return result


def say_json(data: Any) -> None:
    """Print data as JSON to stdout, unstyled."""
    sys.stdout.write(as_json(data))


def as_json(data: Any) -> str:
    """Data as JSON for people and tools: indented, in the order given."""
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all."""
    with _explained(path), writing(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def write_folder(path: Path, files: Mapping[str, str]) -> None:
    """Write a new folder with these files, by their paths in it, whole or not at all."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise DrafthartError(f"{path}: exists already; name a new folder")
    target = path.resolve()
    with _explained(path):
        work = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        try:
            for name, content in files.items():
                (work / name).parent.mkdir(parents=True, exist_ok=True)
                (work / name).write_text(content, encoding="utf-8")
            work.chmod(0o777 & ~_mask())
            work.replace(target)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise


@contextmanager
def writing(path: Path, *, keep: bool = False) -> Iterator[BinaryIO]:
    """A file to write to under a temporary name, renamed at the end: no reader sees half of it.

    With `keep`, what was written so far stays when the user interrupts.
    """
    if path.exists() and not path.is_file():
        # Renaming would replace a pipe or a device such as /dev/stdout, not write to it.
        with _explained(path):
            file = path.open("wb")
        with file:
            yield file
        return
    target = path.resolve()
    with _explained(path):
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
    except BaseException as error:
        if keep and not isinstance(error, Exception):
            _finish(temporary, target)
        temporary.unlink(missing_ok=True)
        raise
    with _explained(path):
        _finish(temporary, target)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn the system's errors into the user's."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise DrafthartError(f"{path}: cannot be written ({reason}); check the path") from None


def _finish(temporary: Path, target: Path) -> None:
    try:
        temporary.chmod(_mode(target))
        temporary.replace(target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def track(steps: Sequence[_T], doing: str) -> Iterator[_T]:
    """Go through `steps`, with a progress bar on stderr once that takes more than two seconds."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(doing, total=len(steps), visible=False)
        start = time.monotonic()
        for done, step in enumerate(steps):
            bar.update(task, completed=done, visible=time.monotonic() - start > _PATIENCE)
            yield step


@contextmanager
def advancing(doing: str) -> Iterator[Callable[[int], Callable[[int], None]]]:
    """A progress bar on stderr for what takes more than two seconds.

    Call what it gives with the whole amount, and the result of that with each part done.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:

        def begin(total: int) -> Callable[[int], None]:
            task = bar.add_task(doing, total=total, visible=False)
            start = time.monotonic()
            return lambda part: bar.update(
                task, advance=part, visible=time.monotonic() - start > _PATIENCE
            )

        yield begin


def _mode(target: Path) -> int:
    """The permissions that the file has, or that a new one gets."""
    if target.exists():
        return target.stat().st_mode & 0o777
    return 0o666 & ~_mask()


def _mask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
