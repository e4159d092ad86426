from pathlib import Path

import pytest
import yaml

from drafthart.generator.errors import DrafthartError
from drafthart.generator.spec import yaml_file
from drafthart.generator.spec.yaml_file import Node, load_yaml, parse_yaml


def parse(text: str) -> Node:
    return parse_yaml(text, "f.yaml")


def error(text: str) -> str:
    with pytest.raises(DrafthartError) as caught:
        parse(text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("12", 12),
        ("-3", -3),
        ("0x1F", 31),
        ("0xffff_ffff_ffff_ffff", 2**64 - 1),
        ("0", 0),
        ("0110", "0110"),
        ("0.6", "0.6"),
        ("0.6.1", "0.6.1"),
        ("2021-08-16", "2021-08-16"),
        ("12:5", "12:5"),
        ("1e3", "1e3"),
        ("1_000", 1000),
        ("1__0", "1__0"),
        ("0x_1", 1),
        ("9" * 5000, "9" * 5000),
        ("true", True),
        ("false", False),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("True", "True"),
        ("null", None),
        ("~", None),
        ("", None),
        ('"12"', "12"),
        ("'true'", "true"),
        ("rd != 0", "rd != 0"),
    ],
)
def test_scalars(written: str, value: object) -> None:
    assert parse(f"key: {written}\n").plain() == {"key": value}


@pytest.mark.parametrize("key", ["encoding", "commit", "instructions.hlv.b.encoding"])
def test_what_looks_like_a_number_is_text_for_some_keys(key: str) -> None:
    assert parse(f"{key}: 12345678").plain() == {key: "12345678"}
    assert parse(f"{key}: [1, 2]").plain() == {key: ["1", "2"]}


def test_places_of_keys_and_values() -> None:
    node = parse("one:\n  two: [a, 'b']\n  three: \"c\"\n")
    two = node.entries["one"].entries["two"]
    assert str(two.key) == "f.yaml:2:3"
    assert str(two.place) == "f.yaml:2:8"
    assert [str(item.place) for item in two.sequence] == ["f.yaml:2:9", "f.yaml:2:13"]
    assert str(node.entries["one"].entries["three"].place) == "f.yaml:3:11"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("key: |\n  first\n  second\n", "f.yaml:2:3"),
        ("key: |\n\n\n      first\n", "f.yaml:2:7"),
        ("key: |2\n    first\n", "f.yaml:2:3"),
        ("a:\n - key: >-\n     folded\n     text\n", "f.yaml:3:6"),
        ("key: # comment\n  |\n  first\n", "f.yaml:3:3"),
    ],
)
def test_a_block_scalar_stands_where_its_content_starts(text: str, place: str) -> None:
    node = parse(text)
    if "a" in node.entries:
        node = node.entries["a"].sequence[0]
    assert str(node.entries["key"].place) == place


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: the key 'a' stands twice; see line 1"),
        ("a: &x 1\nb: 2\n", "f.yaml:1:4: anchors and aliases"),
        ("a: !!str 1\n", "f.yaml:1:4: the tag tag:yaml.org,2002:str is not allowed; remove it"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document"),
        ("? [a]\n: b\n", "f.yaml:1:3: a key must be a name"),
        ("# nothing\n", "f.yaml:1:1: the file is empty"),
        ("a: [1, 2\nb: 3\n", "f.yaml:2:"),
        ("a: " + "[" * 13 + "]" * 13, "f.yaml:1:16: nested too deeply"),
        ("a: \x01\n", "f.yaml: control characters are not allowed at character"),
    ],
)
def test_errors(text: str, message: str) -> None:
    assert error(text).startswith(message)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DrafthartError, match=r"^none: No such file or directory; check the file$"):
        load_yaml(tmp_path / "none", "none")
    (tmp_path / "latin").write_bytes(b"a: \xe9\n")
    with pytest.raises(DrafthartError, match=r"^latin: the file is not UTF-8"):
        load_yaml(tmp_path / "latin", "latin")


def test_equal_texts_are_parsed_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a: 1\n", encoding="utf-8")
    assert load_yaml(tmp_path / "a", "a") is load_yaml(tmp_path / "a", "a")
    (tmp_path / "a").write_text("a: 2\n", encoding="utf-8")
    assert load_yaml(tmp_path / "a", "a").plain() == {"a": 2}


def test_the_pure_parser_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a:\n  b: |\n    x\n  c: [1, 'd']\n"

    def places(node: Node) -> list[str]:
        inner = [it for it in (*node.entries.values(), *node.sequence) if it is not node]
        return [f"{node.place} {node.key}", *(place for it in inner for place in places(it))]

    fast = places(parse(text))
    monkeypatch.setattr(yaml_file, "_LOADER", yaml.BaseLoader)
    yaml_file.parse_yaml.cache_clear()
    assert places(parse(text)) == fast
