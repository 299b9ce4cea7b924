"""``time``: days of the week and hours of the day."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from pywall_core.api import NO, YES, Answer, Flow, Matcher, Packet, RuleKind

from .lists import one_or_more
from .one_or_many import OneOrMany

if TYPE_CHECKING:
    from pywall_core.api import Host

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN: Final = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)\s*-\s*([01]?\d|2[0-4]):([0-5]\d)")
#: hours as people write them elsewhere
_LOOSE: Final = re.compile(
    r"(\d{1,2})(?:[:.]?([0-5]\d))?\s*(h|am|pm)?\s*(?:-|to|until)\s*(\d{1,2})(?:[:.]?([0-5]\d))?\s*(h|am|pm)?"
)
#: names of several days
_DAY_FORMS: Final = {
    **dict.fromkeys(("weekdays", "weekday", "workdays", "working days", "businessdays"), "mon-fri"),
    **dict.fromkeys(("weekend", "weekends"), "[sat, sun]"),
    **dict.fromkeys(("daily", "every day", "everyday", "all", "any", "*"), "mon-sun, or leave the key out"),
}
#: seconds for which an answer is kept
_KEPT: Final = 1.0


def _days(value: Any) -> tuple[str, ...]:
    found: list[str] = []
    for entry in one_or_more(list(value) if isinstance(value, tuple) else value):
        first, dash, last = str(entry).strip().lower().partition("-")
        names = [first[:3], (last if dash else first).strip()[:3]]
        if any(name not in DAYS for name in names) or not isinstance(entry, str):
            form = _DAY_FORMS.get(str(entry).lower()) or _days_form(str(entry)) or f"{', '.join(DAYS)}, or mon-fri"
            raise ValueError(f"{entry!r} is not a day of the week: write {form}")
        at, end = DAYS.index(names[0]), DAYS.index(names[1])
        found += [DAYS[number % 7] for number in range(at, end + 1 if end >= at else end + 8)]
    return tuple(dict.fromkeys(found))


def _days_form(text: str) -> str:
    """Return the days that are meant by 1 to 7 (ISO 8601), by two letters, or by a list with commas."""
    parts = [re.split(r"\s*-\s*", part) for part in re.split(r"[\s,;]+", text.strip().lower())]
    names = [[_day(part) for part in span] for span in parts]
    if not all(name for span in names for name in span):
        return ""
    spans = ["-".join(span) for span in names]
    return spans[0] if len(spans) == 1 else f"a list, [{', '.join(spans)}]"


def _day(text: str) -> str:
    if text.isdecimal():
        return DAYS[int(text) - 1] if 1 <= int(text) <= 7 else ""
    return next((day for day in DAYS if len(text) > 1 and (day.startswith(text[:3]))), "")


def _hours(value: Any) -> str:
    found = _SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        form = _hours_form(str(value)) or "08:00-18:00 (22:00-06:00 goes over midnight)"
        raise ValueError(f"{value!r} is not a span of hours: write {form}")
    return str(value)


def _hours_form(text: str) -> str:
    """Return the span that is meant by 9-17, 9h-17h or 9am-5pm; nothing where none is."""
    ends = _LOOSE.fullmatch(text.strip().lower())
    if ends is None:
        return ""
    hours = [int(ends[at]) % 12 + 12 if ends[at + 2] == "pm" else int(ends[at]) for at in (1, 4)]
    if max(hours) > 24:
        return ""
    return f"{hours[0]:02}:{ends[2] or '00'}-{hours[1]:02}:{ends[5] or '00'}"


Days = Annotated[
    tuple[str, ...],
    BeforeValidator(_days),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]
Span = Annotated[str, BeforeValidator(_hours)]


class Clock(RuleKind):
    """Matches by the time at which a packet comes. ``days`` and ``hours`` must both hold; a span over midnight belongs
    to the day on which it begins. It is asked for every packet, so that a window ends for open connections too; no
    verdict behind it is final."""

    kind: ClassVar[str] = "time"
    scope: ClassVar = "packet"
    examples: ClassVar = ({"days": "mon-fri", "hours": "08:00-18:00", "zone": "Europe/Vienna"},)

    days: Days | None = Field(default=None, description="mon, tue, ... sun, a range mon-fri, or a list")
    hours: OneOrMany[Span] | None = Field(default=None, description="08:00-18:00, or a list of such spans")
    zone: str | None = Field(default=None, description="time zone, Europe/Vienna; without it the machine's own")

    @field_validator("zone")
    @classmethod
    def _is_a_zone(cls, zone: str | None) -> str | None:
        if zone is not None:
            try:
                ZoneInfo(zone)
            except (KeyError, OSError, ValueError):
                form = ": for the machine's own, leave the key out" if zone.lower() in ("local", "localtime") else ""
                raise ValueError(f"no time zone {zone!r}{form} (Europe/Vienna, UTC)") from None
        return zone

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        if self.days is None and self.hours is None:
            raise ValueError("'days' or 'hours' is missing")
        return self

    def holds(self, unix: float) -> bool:
        """The time, in Unix seconds, is in the window."""
        now = datetime.fromtimestamp(unix, None if self.zone is None else ZoneInfo(self.zone))
        minute, day = now.hour * 60 + now.minute, now.weekday()
        days = DAYS if self.days is None else self.days
        for span in self.hours or ("00:00-24:00",):
            found = _SPAN.fullmatch(span.strip())
            assert found is not None
            begin, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
            if begin <= end:
                if begin <= minute < end and DAYS[day] in days:
                    return True
            elif (minute >= begin and DAYS[day] in days) or (minute < end and DAYS[day - 1] in days):
                return True
        return False

    def compile(self, host: Host) -> Matcher:
        live = host.live
        until, answer = float("-inf"), NO

        def match(packet: Packet, flow: Flow) -> Answer:
            nonlocal until, answer
            if not until - _KEPT <= packet.time < until:
                # live, packet.time is the monotonic clock
                answer = YES if self.holds(time.time() if live else packet.time) else NO
                until = packet.time + _KEPT
            return answer

        return match
