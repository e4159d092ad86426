"""What a reader sees of the manual's two markups."""

from __future__ import annotations

import pytest

from drafthart.generator.history.markup import code, heading, words


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("The field hstatus.SPV is", "The field `hstatus`.SPV is"),
        ("The field hstatus.SPV is", r"The field {\tt hstatus}.SPV is"),
        ("The field hstatus.SPV is", r"The field \texttt{hstatus}.SPV is"),
        ("bits hip.VSTIP of hip", "bits csr:hip[vstip] of csr:hip[]"),
        ("truncated to 64 bits", "truncated to qty:64[bits]"),
        ("see Section 2", "see <<sec:two, Section 2>>"),
        ("When a trap", "[#norm:trap]#When a trap#"),
        ("When a trap", "[[norm:trap]]\nWhen a\ntrap"),
        ("A note", "[NOTE]\n====\nA note\n===="),
        ("it is not so", "it is _not_ so"),
        ("it is not so", r"it is {\em not} so"),
        ("vs_timer stays", r"vs\_timer stays"),
        ("so it is", "// a comment\nso it is"),
        ("so it is", "so it is % a comment"),
    ],
)
def test_markup_is_not_seen(before: str, after: str) -> None:
    assert words(before) == words(after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("SPV is 1", "SPV is 0"),
        ("SPV is 1", "SPV is 1."),
        ("may trap", "must trap"),
        ("csr:hip[vstip]", "csr:hip[vseip]"),
        ("vs_timer", "vstimer"),
    ],
)
def test_words_are_seen(before: str, after: str) -> None:
    assert words(before) != words(after)


def test_code() -> None:
    text = r"and `and` or {\tt or} not \texttt{not} csr:hip[vstip] insn:add[]"
    assert code(text).split() == ["and", "or", "not", "hip.VSTIP", "add"]


MANUAL = r"""= Chapter
text
\subsection{Status Register ({\tt hstatus})}
more
\subsection{%
Environment ({\tt henvcfg} and
{\tt henvcfgh})}
\label{sec:env}
more
=== Delegation (csr:hedeleg[])
end
"""


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (1, "Chapter"),
        (2, "Chapter"),
        (4, "Status Register (hstatus)"),
        (9, "Environment (henvcfg and henvcfgh)"),
        (11, "Delegation (hedeleg)"),
        (99, "Delegation (hedeleg)"),
    ],
)
def test_the_heading_above_a_line(line: int, name: str) -> None:
    assert heading(MANUAL, line) == name


def test_no_heading() -> None:
    assert heading("text\n== Later\n", 1) == ""
    assert heading("", 1) == ""
    assert heading(r"\section{never closed", 1) == "never closed"
