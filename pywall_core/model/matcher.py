"""Matcher: a rule as a function. Apart from RuleKind, which brings pydantic, so that its import costs nothing."""

from __future__ import annotations

from collections.abc import Callable

from .flow import Flow
from .packet import Packet
from .verdict import Action, Answer

#: What ``RuleKind.compile`` gives: the rule's answer for one packet. An Action as the answer overrides the rule's own.
Matcher = Callable[[Packet, Flow], Answer | Action]
