"""Many named sets as one table: which of them have a value costs a look-up for each form that its entry may have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final, final

from ..model.named_set import NamedSet

#: fewer sets are asked one after the other
MIN_SETS: Final = 16


@final
class SetMembers:
    """Sets of one type, each with numbers that :meth:`find` gives for its members. Follows their changes."""

    def __init__(self, sets: Sequence[tuple[NamedSet, list[int]]]) -> None:
        self._holders: dict[Any, list[list[int]]] = {}
        #: networks by bytes of their addresses and prefix length, and port ranges: forms that single values do not have
        self._lengths: Counter[tuple[int, int]] = Counter()
        self._wide: Counter[tuple[int, int]] = Counter()
        self._type = sets[0][0].type
        for members, numbers in sets:
            for value in members.values:
                self._change(numbers, value, True)
            members.watchers.append(partial(self._change, numbers))

    def find(self, value: Any) -> Iterator[list[int]]:
        """Yield the numbers of each set that has the value."""
        holders = self._holders
        for form in self._forms(value):
            found = holders.get(form)
            if found is not None:
                yield from found

    def _change(self, numbers: list[int], value: Any, is_there: bool) -> None:
        holders = self._holders.setdefault(value, [])
        if is_there and numbers not in holders:
            holders.append(numbers)
        elif not is_there and numbers in holders:
            holders.remove(numbers)
        if not holders:
            del self._holders[value]
        counted: Counter[tuple[int, int]] | None = None
        if self._type == "addresses" and isinstance(value, tuple):
            counted, value = self._lengths, (len(value[0]), value[1])
        elif self._type == "ports":
            counted = self._wide
        if counted is not None:
            counted[value] += 1 if is_there else -1
            if counted[value] <= 0:
                del counted[value]

    def _forms(self, value: Any) -> Iterator[Any]:
        if self._type == "addresses":
            yield value
            number, bits = int.from_bytes(value), 8 * len(value)
            for size, length in self._lengths:
                if size == len(value):
                    yield (number >> (bits - length) << (bits - length)).to_bytes(size), length
        elif self._type == "ports":
            yield from (ends for ends in self._wide if ends[0] <= value <= ends[1])
        elif self._type == "names":
            name = str(value).lower().rstrip(".")
            yield f"={name}"
            yield name
            while name := name.partition(".")[2]:
                yield name
        else:
            yield str(value)
