"""CSRs: arrays into their instances, fields at their bits for our XLEN, views into their homes."""

from __future__ import annotations

from dataclasses import replace

from drafthart.generator.spec.build import source
from drafthart.generator.spec.choices import Choices
from drafthart.generator.spec.items import Items, field_names
from drafthart.generator.spec.model import CSR, Field, View
from drafthart.generator.spec.nearest import did_you_mean
from drafthart.generator.spec.spec_error import SpecError
from drafthart.generator.spec.yaml_file import Node

_MOST = 4096
_MOST_VIEWS = 8


def build_csrs(items: Items, choices: Choices) -> dict[str, CSR]:
    """The CSRs that exist with these choices."""
    csrs: dict[str, CSR] = {}
    for name, node in items.sections["csrs"].items():
        instances = node.get("instances")
        if instances is None:
            if choices.exists(node):
                csrs[name] = _csr(items, choices, name, node, None)
            continue
        first, last = (int(end) for end in instances.text.split(".."))
        if last >= _MOST:
            raise SpecError(instances.place, f"the array goes to {last}", f"at most {_MOST - 1}")
        if first > last:
            raise SpecError(instances.place, "the array is empty", "write the lower number first")
        for index in range(first, last + 1):
            instance = f"{name}{index}"
            if instance in items.sections["csrs"]:
                raise SpecError(
                    node.key, f"{instance} is a CSR of its own", "rename it, or shorten the array"
                )
            if choices.exists(node, index=index):
                csr = _csr(items, choices, name, node, index)
                address = csr.address
                if address is not None:
                    address += (index - first) * node.number_of("step", 1)
                csrs[instance] = replace(csr, name=instance, address=address)
            if len(csrs) > _MOST:
                raise SpecError(node.key, "too many CSRs", f"there are numbers for {_MOST}")
    for name, csr in csrs.items():
        if csr.view:
            csrs[name] = _with_view(csrs, csr, items.sections["csrs"], ())
    return csrs


def _csr(items: Items, choices: Choices, name: str, node: Node, index: int | None) -> CSR:
    width = node.number_of("width") or choices.xlen
    fields, view, substitutes = (node.get(key) for key in ("fields", "view", "substitutes"))
    constant = node.get("constant")
    address = node.entries["address"]
    return CSR(
        name=name,
        address=None if address.value is None else address.number,
        mode=node.text_of("mode"),
        width=width,
        fields={
            key: _field(items, choices, name, key, it, width)
            for key, it in (fields.entries if fields else {}).items()
            if choices.exists(it, **({} if index is None else {"index": index}))
        },
        constant=constant.number if constant else None,
        substitutes=substitutes.text if substitutes else None,
        view=_view(view) if view else None,
        read=source(node, "read"),
        write=source(node, "write"),
        access=source(node, "access"),
        array=None if index is None else name,
        index=index or 0,
        doc=node.text_of("doc"),
        place=node.key,
        origin=items.origin("csrs", name),
    )


def _field(items: Items, choices: Choices, csr: str, name: str, node: Node, width: int) -> Field:
    bits = node.entries["bits"]
    if isinstance(bits.value, dict):
        per_xlen = bits.get(str(choices.xlen))
        if per_xlen is None:
            what = f"{csr}.{name} has no bits for XLEN {choices.xlen}"
            raise SpecError(bits.place, what, "add them, or say `xlen` for the field")
        bits = per_xlen
    high, _, low = bits.text.partition(":")
    top, bottom = int(high), int(low or high)
    if top < bottom:
        raise SpecError(bits.place, f"the bits {bits.text} run upward", "write the high bit first")
    if top >= width:
        raise SpecError(
            bits.place, f"{csr}.{name} has bit {top}, but {csr} {width} bits", "correct the bits"
        )
    legal = choices.legal(node.get("legal"))
    reset = node.number_of("reset")
    most = (1 << (top - bottom + 1)) - 1
    if reset > most:
        raise SpecError(
            node.entries["reset"].place, f"the reset {reset} needs more bits", f"at most {most}"
        )
    # A range may be too long to look at each of its values.
    ends = (legal[0], legal[-1]) if isinstance(legal, range) else legal or ()
    if any(not 0 <= value <= most for value in ends):
        where = node.entries["legal"].place
        raise SpecError(where, f"a legal value does not fit {csr}.{name}", f"use 0 to {most}")
    return Field(
        name=name,
        high=top,
        low=bottom,
        kind=node.text_of("kind"),
        legal=legal,
        reset=reset,
        write=source(node, "write"),
        read=source(node, "read"),
        flush=_flush(node) != "",
        tagged=_flush(node) == "tagged",
        doc=node.text_of("doc"),
        place=node.key,
        origin=items.origin("csrs", csr, name),
    )


def _flush(node: Node) -> str:
    """Empty, flush or tagged."""
    if (found := node.get("flush")) is None:
        return ""
    if found.value == "tagged":
        return "tagged"
    return "flush" if node.number_of("flush") else ""


def _view(node: Node) -> View:
    fields = node.entries["fields"]
    names = {own: home.text for own, home in fields.entries.items()}
    return View(node.text_of("of"), names or {home.text: home.text for home in fields.sequence})


def _with_view(
    csrs: dict[str, CSR], csr: CSR, nodes: dict[str, Node], seen: tuple[str, ...]
) -> CSR:
    """A view with the fields of its home, and with the storing CSR as `of`."""
    view = csr.view
    assert view is not None
    place = nodes[csr.name].entries["view"].entries["of"].place
    if csr.name in seen:
        raise SpecError(
            place, f"{csr.name} is a view of itself", "name the CSR that holds the fields"
        )
    if len(seen) >= _MOST_VIEWS:
        raise SpecError(place, f"more than {_MOST_VIEWS} views of views", "name the CSR itself")
    home = csrs.get(view.of)
    if home is None:
        raise SpecError(place, f"there is no CSR {view.of!r} to view", did_you_mean(view.of, csrs))
    if home.view:
        home = _with_view(csrs, home, nodes, (*seen, csr.name))
    known = field_names(nodes[view.of])
    fields: dict[str, Field] = {}
    shown: dict[str, str] = {}
    for own, name in view.fields.items():
        if name not in known:
            where = field_names(nodes[csr.name]).get(own)
            raise SpecError(where.place if where else place, f"{view.of} has no field {name!r}",
                 did_you_mean(name, known))  # fmt: skip
        if name not in home.fields:
            continue  # not with this XLEN or these parameters
        fields[own] = _seen_field(home.fields[name], own, csr)
        shown[own] = home.view.fields[name] if home.view else name
    for own, field in csr.fields.items():
        if own not in view.fields:
            if not field.read:
                what = f"{csr.name} is a view and has no storage for {own}"
                raise SpecError(
                    field.place, what, "add it to the view's fields, or give it a `read`"
                )
            fields[own] = field
    return replace(csr, fields=fields, view=View(home.view.of if home.view else home.name, shown))


def _seen_field(home: Field, own: str, csr: CSR) -> Field:
    """A home's field as the view shows it: at bits of its own if it states them."""
    stated = csr.fields.get(own)
    if stated is None:
        return replace(home, name=own, origin=home.origin or csr.origin)
    return replace(
        home,
        name=own,
        high=stated.high,
        low=stated.low,
        kind=stated.kind,
        read=stated.read or home.read,
        write=stated.write or home.write,
        doc=stated.doc or home.doc,
        place=stated.place,
        origin=stated.origin,
    )
