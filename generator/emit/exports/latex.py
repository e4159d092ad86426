r"""LaTeX tables of CSRs, their fields, and the encodings, to be read with \input."""

from __future__ import annotations

from drafthart.generator.emit.exports.header import commented
from drafthart.generator.emit.exports.listings import Listing, listings
from drafthart.generator.emit.exports.names import line
from drafthart.generator.spec.model import ISA

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{it: f"\\{it}" for it in "&%$#_{}"},
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
}


def emit_latex(isa: ISA) -> str:
    """The tables, each a longtable: the document loads the package of that name."""
    needs = r"% The document needs \usepackage{longtable}."
    return "\n".join([f"{commented(isa, '%')}{needs}\n", *map(_table, listings(isa))])


def escaped(text: str) -> str:
    """Text that LaTeX shows as it is."""
    return "".join(_ESCAPES.get(it, it) for it in line(text))


def _table(it: Listing) -> str:
    # Columns have margins, so a little less than the whole is theirs.
    shares = (0.85 * share / sum(it.shares) for share in it.shares)
    columns = "".join(rf"p{{{share:.3f}\linewidth}}" for share in shares)
    lines = [
        rf"\begin{{longtable}}{{{columns}}}",
        rf"\caption{{{escaped(it.title)}}} \\ \hline",
        _row(it.heads) + r" \hline",
        r"\endhead",
        *map(_row, it.rows),
        r"\hline",
        r"\end{longtable}",
    ]
    return "\n".join(lines) + "\n"


def _row(cells: tuple[str, ...]) -> str:
    # Without the braces a cell that begins with [ would be taken for the row end's option.
    return " & ".join(f"{{{escaped(cell)}}}" for cell in cells) + r" \\"
