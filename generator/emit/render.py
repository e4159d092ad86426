"""Jinja2 templates to text, strictly: an undefined name is an error, not an empty string."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from drafthart.generator.spec.model import ISA

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


def stability_line(isa: ISA) -> str:
    """What a generated file says in a line that tools read: the revision and its status."""
    return json.dumps({"revision": isa.id, "status": str(isa.status)})
