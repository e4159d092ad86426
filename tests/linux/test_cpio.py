"""Archives for Linux's first file system, against the form that the kernel documents.

From the kernel's Documentation/driver-api/early-userspace/buffer-format.rst.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drafthart.linux.cpio import Entry, archive, character_device, file, folder, link

FIELDS = (
    *("ino", "mode", "uid", "gid", "nlink", "mtime", "filesize"),
    *("major", "minor", "rmajor", "rminor", "namesize", "chksum"),
)


def records(data: bytes) -> Iterator[tuple[str, dict[str, int], bytes]]:
    """Name, header and content of each record, read as the document says."""
    at = 0
    while at < len(data):
        assert at % 4 == 0
        assert data[at : at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * it : at + 14 + 8 * it], 16) for it in range(13)]
        header = dict(zip(FIELDS, fields, strict=True))
        at += 110
        name = data[at : at + header["namesize"]]
        assert name.endswith(b"\0")
        at = (at + len(name) + 3) & ~3
        content = data[at : at + header["filesize"]]
        assert len(content) == header["filesize"]
        yield name[:-1].decode(), header, content
        at = (at + len(content) + 3) & ~3


def test_each_kind_of_entry() -> None:
    data = archive(
        [
            folder("dev"),
            character_device("dev/console", 5, 1),
            file("init", b"#!/bin/sh\n", executable=True),
            file("empty", b""),
            link("sh", "init"),
        ]
    )
    found = list(records(data))
    assert [name for name, _, _ in found] == [
        *("dev", "dev/console", "init", "empty", "sh"),
        "TRAILER!!!",
    ]
    kinds = [stat.S_IFMT(header["mode"]) for _, header, _ in found[:-1]]
    assert kinds == [stat.S_IFDIR, stat.S_IFCHR, stat.S_IFREG, stat.S_IFREG, stat.S_IFLNK]
    console = found[1][1]
    assert (console["rmajor"], console["rminor"]) == (5, 1)
    assert found[2][1]["mode"] & 0o777 == 0o755
    assert found[2][2] == b"#!/bin/sh\n"
    assert found[4][2] == b"init"
    assert {header["uid"] | header["gid"] | header["mtime"] for _, header, _ in found} == {0}


names = st.lists(st.text("abc.-_", min_size=1, max_size=9), unique=True, max_size=6)


@given(names.flatmap(lambda it: st.tuples(st.just(it), st.lists(st.binary(), min_size=6))))
def test_what_goes_in_is_in_it(case: tuple[list[str], list[bytes]]) -> None:
    entries = [file(name, content) for name, content in zip(*case, strict=False)]
    data = archive(entries)
    found = [(name, content) for name, _, content in records(data)]
    assert found == [*((it.name, it.content) for it in entries), ("TRAILER!!!", b"")]
    assert archive(entries) == data


@pytest.mark.parametrize("name", ["/init", "", "TRAILER!!!"])
def test_a_name_that_cannot_be(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name"):
        archive([file(name, b"x")])


def test_a_name_given_twice() -> None:
    entry = Entry("init", stat.S_IFREG)
    with pytest.raises(ValueError, match="or is one already"):
        archive([entry, entry])
