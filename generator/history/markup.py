"""What a reader sees of LaTeX and AsciiDoc: words, without the markup around them."""

from __future__ import annotations

import re

_NOISE = re.compile(
    r"""
      ^%.*$ | (?<!\\)%.*$ | ^//(?!/).*$              # comments
    | ^\[[^\]\n]*\]$ | ^\[\[[^\]\n]*\]\]             # attributes and anchors of AsciiDoc
    | \[\#[^\]\n]*\] | \[\[[^\]\n]*\]\]
    | ^(?:={4,}|-{2,}|\*{4,}|_{4,}|\|={3,}|\+)$      # fences of blocks
    | \\(?:label|index|begin|end|vspace|hspace|multicolumn)\{[^}\n]*\}
    | \\(?:tt|em|it|bf|texttt|emph|textit|textbf|mbox|hline|noindent|par|sf|rm|footnotesize)\b[ ]*
    | (?<!\w)_(?=\w) | (?<=\w)_(?!\w)                # emphasis, but not the _ within names
    | [`*\#{}$]|\\\\|(?<=\w)\\-
    """,
    re.VERBOSE | re.MULTILINE,
)
_REFERENCE = re.compile(r"<<[^,>\n]*,\s*([^>\n]*)>>")
_CODE = re.compile(r"`([^`\n]+)`|\{\\tt\s+([^{}]*)\}|\\texttt\{([^{}]*)\}")
_MACRO = re.compile(r"\b(csr|insn|ext|qty):([\w.]*|:)\[(\w*)\]")  # of the manual, since 2026
_TITLE = re.compile(r"={1,6}\s+(.+)")
_SECTION = re.compile(r"\\(?:chapter|(?:sub)*section)\*?\{")
_LONGEST_HEADING = 4
"""Lines that a heading of LaTeX may take."""


def plain(text: str) -> str:
    """The text without markup, line by line."""
    text = _MACRO.sub(_expanded, _REFERENCE.sub(r"\1", text))
    for markup, seen in ((r"\_", "_"), (r"\&", "&"), ("~", " ")):
        text = text.replace(markup, seen)
    return _NOISE.sub("", text)


def words(text: str) -> list[str]:
    """The words and the punctuation that a reader sees."""
    return plain(text).split()


def code(text: str) -> str:
    """Only what is set as code: the names of registers and instructions."""
    found = [plain("".join(groups)) for groups in _CODE.findall(text)]
    return "\n".join([*found, *map(_expanded, _MACRO.finditer(text))])


def heading(text: str, line: int) -> str:
    """The heading above a line, which counts from 1; nothing if there is none."""
    lines = text.splitlines()
    for at in range(min(line, len(lines)) - 1, -1, -1):
        if title := _TITLE.fullmatch(lines[at]):
            return " ".join(words(title.group(1)))
        if found := _SECTION.match(lines[at]):
            rest = "\n".join(lines[at : at + _LONGEST_HEADING])[found.end() :]
            return " ".join(words(_to_the_brace(rest)))
    return ""


def _expanded(macro: re.Match[str]) -> str:
    """What a macro prints: csr:hip[vstip] is hip.VSTIP, and csr::[vstip] just VSTIP."""
    kind, name, argument = macro.groups()
    if kind == "qty":
        return f"{name} {argument}"
    return ".".join(filter(None, [name.strip(":"), argument.upper()]))


def _to_the_brace(text: str) -> str:
    """The text before the brace that closes what was opened before it."""
    depth = 1
    for at, letter in enumerate(text):
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if not depth:
            return text[:at]
    return text
