"""Which form a file of others has, and what it states."""

from __future__ import annotations

import re
from pathlib import Path

from drafthart.generator.diff.foreign.c_header import read_header
from drafthart.generator.diff.foreign.opcodes import read_csv, read_extension, read_json
from drafthart.generator.diff.foreign.statements import Statements
from drafthart.generator.errors import DrafthartError

_LARGEST = 16 << 20
_EXTENSION = re.compile(r"rv(32|64|128)?_\w+")
_FORMS = "a C header, an extension's file of riscv-opcodes, csrs.csv, causes.csv, instr_dict.json"


def read_statements(path: Path, xlen: int) -> Statements:
    """What a file states, or a checkout of riscv-opcodes for harts of this XLEN.

    Raises `DrafthartError` for what is none of the forms, or has a mistake in it.
    """
    found = Statements()
    if path.is_dir():
        _read_folder(path, xlen, found)
    else:
        _read_file(path, found)
    if not found:
        raise DrafthartError(f"{path}: states no numbers; give {_FORMS}, or a folder of these")
    return found


def _read_folder(path: Path, xlen: int, into: Statements) -> None:
    """What is ratified, and nothing that only harts of another XLEN have."""
    folder = path / "extensions" if (path / "extensions").is_dir() else path
    wanted = (None, str(xlen))
    for file in sorted(folder.iterdir()):
        name = _EXTENSION.fullmatch(file.name)
        if name and name[1] in wanted and file.is_file():
            _read_file(file, into)
    tables = ("csrs.csv", "causes.csv", *(("csrs32.csv",) if xlen == 32 else ()))
    for file in (path / name for name in (*tables, "encoding.h")):
        if file.is_file():
            _read_file(file, into)


def _read_file(path: Path, into: Statements) -> None:
    text = _text(path)
    if path.suffix == ".csv":
        tables = {"causes": into.causes, "csrs": into.csrs, "csrs32": into.csrs}
        if path.stem not in tables:
            raise DrafthartError(f"{path}: name it csrs.csv or causes.csv, by what is in it")
        read_csv(text, str(path), tables[path.stem])
    elif path.suffix == ".json" or text.lstrip().startswith("{"):
        read_json(text, str(path), into)
    elif path.suffix in (".h", ".inc") or re.search(r"^\s*#\s*define\s", text, re.MULTILINE):
        read_header(text, into)
    elif _EXTENSION.fullmatch(path.name) or "=" in text:
        read_extension(text, str(path), into)
    else:
        raise DrafthartError(f"{path}: is of no form that can be compared; give {_FORMS}")


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise DrafthartError(f"{path}: is larger than 16 MiB; give {_FORMS}")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise DrafthartError(f"{path}: is no text; give {_FORMS}") from None
    except OSError as error:
        raise DrafthartError(f"{path}: cannot be read ({error.strerror}); check it") from None
