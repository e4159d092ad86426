"""Jinja2 templates to text, strictly: an undefined name is an error, not an empty string."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("drafthart.generator.emit", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # what is rendered is source code
    )
    environment.filters["python"] = repr
    return environment


def render(template: str, **values: Any) -> str:
    """The text of `template` (a file in emit/templates) with `values`."""
    return _environment().get_template(template).render(**values)
