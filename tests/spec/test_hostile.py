"""Spec files of a stranger: each way to do harm that was tried or found, and how it is refused."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from hostile_specs import SEED, Files
from spec_folder import Folder, change
from spec_fuzz import check_files

from drafthart.generator.emit.python_engine import emit_python
from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec.names import LONGEST, is_name
from drafthart.generator.spec.references import names_in
from drafthart.generator.spec.resolve import resolve
from drafthart.generator.spec.texts import MAX_FILE, MAX_FOLDER
from drafthart.generator.spec.yaml_file import Node, Place, parse_yaml

ITEMS = "base/items.yaml"
SECONDS = 20.0
"""Of processor time: several times what any takes on a busy machine, and far below what one without
a bound would take."""


def with_items(old: str, new: str) -> Files:
    assert SEED[ITEMS].count(old) == 1
    return SEED | {ITEMS: SEED[ITEMS].replace(old, new)}


def with_code(code: str) -> Files:
    lines = "".join(f"      {line}\n" for line in code.split("\n"))
    return with_items("      X[rd] = X[rs1] + imm\n", lines)


def section(name: str, items: str) -> Files:
    before, head, after = f"\n{SEED[ITEMS]}".partition(f"\n{name}:\n")
    assert head
    return SEED | {ITEMS: f"{before}{head}{items}{after}"}


def with_changes(changes: str) -> Files:
    return SEED | {"h/1.yaml": SEED["h/1.yaml"].partition("changes:")[0] + f"changes:\n{changes}"}


def numbered(count: int, text: str) -> str:
    return "".join(text.replace("#", str(number)) for number in range(count))


def message(tmp_path: Path, files: Files) -> str:
    """How the folder is refused, on its way to an engine."""
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    with pytest.raises(DrafthartError) as caught:
        emit_python(resolve("h@1", specs=tmp_path))
    text = str(caught.value)
    assert text.isprintable()
    return text.replace(f"{tmp_path}/", "")


def test_the_seed_is_sound() -> None:
    assert check_files(SEED) == "model"


# What stands in the files.


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a: &x [1]\nb: *x\n", "1:4: anchors and aliases are not allowed"),
        ("a: 1\n<<: *x\n", "2:5: anchors and aliases are not allowed"),
        ("&x a: 1\n", "1:1: anchors and aliases are not allowed"),
        ("!!python/name:os.system a: 1\n", "1:1: the tag tag:yaml.org,2002:python/name:os.system"),
        ("a: !!python/object/apply:os.system [ls]\n", "1:4: the tag tag:yaml.org,2002:python/obj"),
        ("a: 1\na: 2\n", "2:1: the key 'a' stands twice"),
        ('"a\\n": 1\n', "1:1: the key is too long; use one line of at most 100 characters"),
        (f"{'a' * 101}: 1\n", "1:1: the key is too long"),
        ('a: "x\\ry"\n', "1:4: the character U+000D is not allowed; remove it"),
        ('a: "\\e[2J"\n', "1:4: the character U+001B is not allowed"),
        ('a: "x\\Ly"\n', "1:4: the character U+2028 is not allowed"),
        ("a: \u202ex\n", "1:4: the character U+202E is not allowed"),
        ('"\\0": 1\n', "1:1: the character U+0000 is not allowed"),
        ("a: " + "[" * 50_000, "1:16: nested too deeply"),
        ("a: [" + "b," * 40_000 + "]", "too many values; use at most 30000 a file"),
    ],
)
def test_yaml(text: str, what: str) -> None:
    with pytest.raises(DrafthartError) as caught:
        parse_yaml(text, "f.yaml")
    assert what in str(caught.value)


@pytest.mark.parametrize("text", ["9" * 5000, "0x" + "f" * 5000, "-" * 5000])
def test_what_is_too_long_for_a_number_is_text(text: str) -> None:
    assert parse_yaml(f"a: {text}\n", "f.yaml").text_of("a") == text


@pytest.mark.parametrize(
    "name",
    [
        "class",
        "None",
        "__class__",
        "_x",
        "a__b",
        "a.b",
        "a\n",
        "1a",
        "a b",
        "ä",
        "",
        "a'",
        "x" * 65,
    ],
)
def test_names(name: str) -> None:
    assert not is_name(name)


def test_more_names() -> None:
    for name in ("int", "register", "size_", "a_b", "A0", "x" * LONGEST):
        assert is_name(name)


@pytest.mark.parametrize(
    ("files", "what"),
    [
        (section("constants", "  lambda: {value: 1}\n"),
         "items.yaml:3:3: the constant 'lambda' has no name that operations can use"),
        (with_items("  mode: {width", "  __dict__: {width"), "the state '__dict__' has no name"),
        (with_items("      TOP:", "      None:"), "the field 'None' has no name"),
        (section("operands", "  rd': {kind: register}\n"), "the operand \"rd'\" has no name"),
        (with_items("constant: ILLEGAL", "constant: import"), "the cause 'import' has no name"),
        (section("instructions", '  "a\\n": {}\n'), "the key is too long"),
        # In a pattern `$` allows one line feed more, which would have been code in the engine.
        (with_items("constant: ILLEGAL", 'constant: "ILLEGAL\\n"'), "'ILLEGAL\\n' is not allowed"),
        (SEED | {"h/1.yaml": SEED["h/1.yaml"].replace("[1/more.yaml]", "[../h/1/more.yaml]")},
         "'../h/1/more.yaml' is not allowed"),
        (SEED | {"h/1.yaml": SEED["h/1.yaml"].replace("[1/more.yaml]", "[/etc/passwd]")},
         "'/etc/passwd' is not allowed"),
        (with_items("encoding: imm[11:0] rs1", f"encoding: {'9' * 5000}"),
         "cannot read '" + "9" * 20),
        (with_items("take_exception:", "take_nothing:"),
         "h@1: the function `take_exception` is missing"),
        # What a path or a rename makes of a name, no file has as a key.
        (SEED | {"h/1.yaml": SEED["h/1.yaml"].replace("causes.5:", "'causes.\"':")},
         "'\"' is no name for one of the causes"),
        (SEED | {"h/1.yaml": SEED["h/1.yaml"].replace("rename: {", "rename: {causes.2: \u2812, ")},
         "'\u2812' is no name for one of the causes"),
        (with_items("  LOAD: {value: 0}\n", ""), "h@1: the constant `LOAD` is missing"),
    ],
)  # fmt: skip
def test_refused(tmp_path: Path, files: Files, what: str) -> None:
    told = message(tmp_path, files)
    assert what in told
    assert len(told) < 500


# How much of it there is.


EXPENSIVE: dict[str, tuple[Files, str | None]] = {
    "sizes of entries": (
        section("functions", "  f: {entry: true, operation: pass, parameters: {"
                + ", ".join(f"s{n}: static" for n in range(12)) + "}}\n"),
        "`f` has 12 static parameters",
    ),
    "specialisations": (
        with_code(numbered(70, "X[rd] = twice(X[rs1], #)\n") + "pass"),
        None,
    ),
    "loops": (with_code("for i in range(4096):\n" + " for j in range(4096):\n  X[rd] = X[rs1]"),
              "steps"),
    "calls": (
        section("functions", numbered(40, '  g#: {operation: "g#b()\\ng#b()"}\n')
                + "".join(f"  g{n}b: {{operation: g{n + 1}()}}\n" for n in range(39))
                + "  g39b: {operation: pass}\n"),
        "steps",
    ),
    "numbers": (with_code("X[rd] = X[rs1] + (1 << (1 << 40))"), "a shift by"),
    "wide": (with_code("x: 4097 = 1"), "a width of 4097 bits"),
    "sums": (with_code("X[rd] = X[rs1]" + " + X[rs1]" * 2000), "nested too deep"),
    "views": (
        section("csrs", "".join(
            f"  v{n}: {{address: null, mode: M, view: {{of: v{n + 1}, fields: [ON]}}}}\n"
            for n in range(1500))
            + "  v1500: {address: null, mode: M, view: {of: status, fields: [ON]}}\n"),
        "more than 8 views of views",
    ),
    "arrays": (
        section("csrs", numbered(
            50, '  a#_: {address: null, mode: M, instances: "0..4095"}\n')),
        "too many CSRs",
    ),
    "array": (section("csrs", '  a: {address: 1, mode: M, instances: "0..9999"}\n'),
              "the array goes to 9999"),
    "state": (section("state", numbered(500, "  s#: {width: 64, count: 4096}\n")),
              "too much state"),
    "items": (section("constants", numbered(3000, "  C#: {value: 1}\n")), "too many constants"),
    "bases": (
        {name: SEED[name] for name in (ITEMS, "base/1.yaml")}
        | {f"{name}.yaml": "title: x\nstatus: draft\ndate: 2020-01-01\ncommit: abcdef01\n"
           f"changes: []\nrevision: {name}@1\nbase: {base}@1\n"
           for name, base in [("h", "x0"), *((f"x{n}", f"x{n + 1}") for n in range(400)),
                              ("x400", "base")]},
        "stands on more than 8 extensions",
    ),
    "changes": (
        with_changes("".join(
            f"- {{id: c{n}, commit: abcdef01, date: 2020-01-01, section: S, breaks: [], "
            f"summary: s, rename: {{constants.LIMIT{n or ''}: LIMIT{n + 1}}}}}\n"
            for n in range(2000))),
        None,
    ),
    "suggestions": (with_items("by: [fn:look,", f"by: [fn:{'l' * 90_000},"), "names fn:"),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPENSIVE)
def test_expensive(tmp_path: Path, name: str) -> None:
    """It ends in time, whether it is refused or not."""
    files, what = EXPENSIVE[name]
    began = time.process_time()
    if what is None:
        check_files(files)
    else:
        assert what in message(tmp_path, files)
    assert time.process_time() - began < SECONDS


# Where it lies.


def test_a_link_out_of_the_folder(folder: Folder, tmp_path_factory: Any) -> None:
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.yaml"
    secret.write_text("revision: h@9\n")
    (folder.root / "base" / "linked.yaml").symlink_to(secret)
    place = folder.root / "base" / "linked.yaml"
    assert folder.error() == f"{place}: leads out of {folder.root}; put the file itself there"


def test_a_link_to_itself(folder: Folder) -> None:
    place = folder.root / "base" / "linked.yaml"
    place.symlink_to(place)
    assert folder.error().startswith(f"{place}: leads out of")


def test_a_link_within_the_folder(folder: Folder) -> None:
    (folder.root / "base" / "same.yaml").symlink_to(folder.root / "base" / "items.yaml")
    assert folder.resolve().id == "base@1"


def test_what_is_no_file(folder: Folder) -> None:
    place = folder.root / "base" / "pipe.yaml"
    os.mkfifo(place)
    assert folder.error() == f"{place}: is no file to read; name a file"


def test_large_files(folder: Folder) -> None:
    place = folder.root / "base" / "large.yaml"
    with place.open("w") as file:
        file.truncate(MAX_FILE + 1)
    assert folder.error() == f"{place}: is larger than 1 MiB; name another file"
    place.unlink()
    for number in range(MAX_FOLDER // MAX_FILE + 1):
        (folder.root / "base" / f"large{number}.yaml").write_text("#" * MAX_FILE)
    assert folder.error().startswith(f"{folder.root}: the specs are larger than 2 MiB")


@pytest.mark.parametrize("path", ["../secret.yaml", "linked.yaml"])
def test_an_overlay_that_climbs(folder: Folder, path: str) -> None:
    """An overlay's item files lie in its folder."""
    mine = folder.root / "overlays"
    mine.mkdir()
    (folder.root / "secret.yaml").write_text("constants: {A: {value: 1}}\n")
    (mine / "linked.yaml").symlink_to(folder.root / "secret.yaml")
    overlay = mine / "overlay.yaml"
    head = "overlay: mine\non: base@1\ntitle: Mine\nchanges:\n"
    overlay.write_text(head + change("a", more=f"include: [{path}]"))
    said = folder.error(overlay=overlay)
    assert "leads out of" in said or "is not allowed" in said


# What users see of it.


def test_messages_are_cut_and_printable() -> None:
    error = DrafthartError(f"f.yaml:1:1: {'x' * 5000} is \x1b[2Jwrong\u202e; {'a b ' * 2000}")
    assert str(error).isprintable()
    assert len(str(error)) < 2000
    assert str(error).startswith(f"f.yaml:1:1: {'x' * 200} ... is \\x1b[2Jwrong\\u202e; a b")


@pytest.mark.parametrize("text", ["a" * 200_000, "a[" * 100_000, "a[b " * 50_000])
def test_names_in_a_long_text(text: str) -> None:
    """A strange operation takes no more than time in proportion to its length."""
    place = Place("f.yaml", 1, 1)
    node = Node(text, place, place)
    started = time.process_time()
    list(names_in(node, "operation"))
    assert time.process_time() - started < SECONDS
