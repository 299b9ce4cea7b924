"""The combinators of conditions by Kleene's three-valued logic: ``all``, ``any``, ``not``."""

from __future__ import annotations

from ..model.flow import Flow
from ..model.matcher import Matcher
from ..model.packet import Packet
from ..model.verdict import NO, PENDING, YES, Action, Answer


def match_all(parts: list[Matcher]) -> Matcher:
    """Return a matcher that says YES when all parts do."""

    def match(packet: Packet, flow: Flow) -> Answer | Action:
        result: Answer | Action = YES
        for part in parts:
            answer = part(packet, flow)
            if answer is NO:
                return NO
            if answer is PENDING:
                result = PENDING
            elif answer is not YES and result is YES:
                result = answer
        return result

    return match


def match_any(parts: list[Matcher]) -> Matcher:
    """Return a matcher that says YES when one part does."""

    def match(packet: Packet, flow: Flow) -> Answer | Action:
        result: Answer | Action = NO
        for part in parts:
            answer = part(packet, flow)
            if answer is PENDING:
                result = PENDING
            elif answer is not NO:
                return answer
        return result

    return match


def match_not(part: Matcher) -> Matcher:
    """Return a matcher that says YES when the part says NO, and NO when it says YES or names an action."""

    def match(packet: Packet, flow: Flow) -> Answer | Action:
        answer = part(packet, flow)
        if answer is PENDING:
            return PENDING
        return YES if answer is NO else NO

    return match
