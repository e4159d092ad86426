"""Reading a user's input file, with the errors a user should see."""

from os import PathLike
from pathlib import Path

from drafthart.generator.errors import DrafthartError


def read_file(path: str | PathLike[str]) -> bytes:
    """Return the whole regular file at `path`.

    Raises DrafthartError if there is none, it is something else, is empty, or cannot be read.
    """
    file = Path(path)
    try:
        if file.is_dir():
            raise DrafthartError(f"{file}: is a directory, name a file in it")
        # A pipe or a device such as /dev/zero may never end.
        if file.exists() and not file.is_file():
            raise DrafthartError(f"{file}: is not a regular file, save its content to one first")
        content = file.read_bytes()
    except FileNotFoundError:
        raise DrafthartError(f"{file}: no such file, check the path") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DrafthartError(f"{file}: cannot be read ({reason}), check the path") from error
    if not content:
        raise DrafthartError(f"{file}: is empty, build or copy it again")
    return content
