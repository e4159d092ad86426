"""What a device keeps beside its wiring, declared once, so that it can be saved and restored."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Saved:
    """An attribute of a device: a number of `width` bits, or a list or deque of such numbers.

    `exactly` is the length of a list, `most` the greatest of a deque; both absent: one number.
    """

    attribute: str
    width: int
    exactly: int | None = None
    most: int | None = None

    @property
    def name(self) -> str:
        """The name in a snapshot."""
        return self.attribute.lstrip("_")

    def accepts(self, value: object) -> bool:
        """Could the attribute hold this?"""
        if self.exactly is None and self.most is None:
            return is_number(value, self.width)
        if not isinstance(value, list) or not all(is_number(it, self.width) for it in value):
            return False
        if self.exactly is not None:
            return len(value) == self.exactly
        return self.most is not None and len(value) <= self.most


class Stateful(Protocol):
    """A device with state."""

    @property
    def SAVED(self) -> tuple[Saved, ...]:  # noqa: N802
        """Its parts: of the class, or of a device for so many harts."""


def is_number(value: object, width: int) -> bool:
    """Is this an unsigned number of `width` bits?"""
    return type(value) is int and 0 <= value < 1 << width


def device_state(device: Stateful) -> dict[str, Any]:
    """A copy of the device's state, made of numbers and lists."""
    state: dict[str, Any] = {}
    for saved in device.SAVED:
        value = getattr(device, saved.attribute)
        state[saved.name] = list(value) if isinstance(value, list | deque) else int(value)
    return state


def restore_device(device: Stateful, state: Mapping[str, Any]) -> None:
    """Give the device this state. Raises ValueError, and changes nothing, if it is none of its."""
    if state.keys() != {saved.name for saved in device.SAVED}:
        raise ValueError("the names of its parts")
    for saved in device.SAVED:
        if not saved.accepts(state[saved.name]):
            raise ValueError(f"the value of {saved.name}")
    for saved in device.SAVED:
        value, present = state[saved.name], getattr(device, saved.attribute)
        if isinstance(present, list):
            present[:] = value
            # The list of a property was made for us: it takes it back.
            setattr(device, saved.attribute, present)
        elif isinstance(present, deque):
            present.clear()
            present.extend(value)
        else:
            setattr(device, saved.attribute, type(present)(value))
