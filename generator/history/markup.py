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
    | \\(?:tt|em|it|bf|texttt|emph|textit|textbf|mbox|hline|noindent|par|sf|rm|footnotesize)\b
    | (?<!\w)_(?=\w) | (?<=\w)_(?!\w)                # emphasis, but not the _ within names
    | [`*\#{}$]|\\\\|(?<=\w)\\-
    """,
    re.VERBOSE | re.MULTILINE,
)
_REFERENCE = re.compile(r"<<[^,>\n]*,\s*([^>\n]*)>>")
_CODE = re.compile(r"`([^`\n]+)`|\{\\tt\s+([^{}]*)\}|\\texttt\{([^{}]*)\}")
_HEADING = re.compile(r"^(?:={1,6}\s+(.+)|\\(?:chapter|(?:sub)*section|paragraph)\*?\{(.*)\}.*)$")


def plain(text: str) -> str:
    """The text without markup, line by line."""
    text = _REFERENCE.sub(r"\1", text).replace(r"\_", "_").replace("~", " ").replace(r"\&", "&")
    return _NOISE.sub("", text)


def words(text: str) -> list[str]:
    """The words and the punctuation that a reader sees."""
    return plain(text).split()


def code(text: str) -> str:
    """Only what is set as code: the names of registers and instructions."""
    return "\n".join(plain("".join(groups)) for groups in _CODE.findall(text))


def heading(text: str, line: int) -> str:
    """The heading above a line, which counts from 1; nothing if there is none."""
    for above in reversed(text.splitlines()[:line]):
        if found := _HEADING.match(above):
            return " ".join(plain(found.group(1) or found.group(2)).split())
    return ""
