"""RuleKind: the one place where a kind of rule declares its parameters, scope, facts and answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from .flow import Flow
from .matcher import Matcher
from .named_set import SetType
from .rule_index import RuleIndex

if TYPE_CHECKING:
    from .host import Host

Scope = Literal["flow", "direction", "packet"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a policy is to run, and where in it a rule stands: names of the machine's ``interfaces``, None when they
    are not known; ``hooks``, from which the rule's chain is reached, empty when that is not known.
    """

    interfaces: frozenset[str] | None = None
    hooks: frozenset[str] = frozenset()


class RuleKind(BaseModel):
    """Base class of rule kinds: a pydantic model whose fields are the rule's parameters in the YAML.

    ``scope`` says how far an answer carries: ``flow`` (facts, who started it: the same for all its packets once the
    facts have settled), ``direction`` (addresses, ports, interfaces of the packet), ``packet`` (asked for each packet;
    a verdict is not final while such a rule was asked). ``state = "host"`` declares knowledge across flows, which
    several workers would split. The class docstring is the kind's manual text; each field has a description.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    kind: ClassVar[str]
    scope: ClassVar[Scope] = "direction"
    state: ClassVar[Literal["flow", "host"]] = "flow"
    #: capabilities that some loaded plugin must provide ("segment", "tcp-state")
    requires: ClassVar[tuple[str, ...]] = ()
    #: parameters to try the kind with, as they are written in the YAML: for `pywall plugins check` and the manual
    examples: ClassVar[Sequence[Mapping[str, Any]]] = ()
    #: False for kinds that only look (``log``): they take no action
    decides: ClassVar[bool] = True

    #: True for kinds that ask ``packet.indev`` or ``packet.outdev``: reading their names costs a look-up a packet
    needs_interfaces: ClassVar[bool] = False

    #: of the facts that it asks, one that some loaded plugin gives is enough
    any_fact: ClassVar[bool] = False

    def asks(self) -> tuple[str, ...]:
        """Return the names of the facts that the answer rests on: ``app_proto``, ``tls.sni``, ``payload.class`` ..."""
        return ()

    def protocols(self) -> tuple[str, ...]:
        """Protocol names used as parameters; each must be known to some loaded detector."""
        return ()

    def expects(self) -> tuple[str, ...]:
        """Return the labels of announced flows (``flow.expected``) that the answer rests on."""
        return ()

    def sets(self) -> tuple[tuple[str, tuple[SetType, ...]], ...]:
        """Named sets that the parameters refer to by ``@name``, each with the types of set that fit there."""
        return ()

    def kernel_sets(self) -> tuple[str, str] | None:
        """Return where the kind asks nothing but whether an address is in one named set: the set and ``src`` or
        ``dst``. The kernel may then drop such packets before they are queued.
        """
        return None

    def covers(self, other: RuleKind) -> bool:
        """Return True if this rule answers YES to every packet to which ``other`` may: ``other`` behind it never
        decides.

        Without an override: when both ask the same, and neither counts packets or remembers hosts.
        """
        return self.scope != "packet" and self.state != "host" and self == other

    def lint(self, given: Mapping[str, Any], surroundings: Surroundings) -> Iterable[tuple[str, str, str]]:
        """Return what is allowed but hardly meant: (parameter or "", code of the warning, words) for each finding.

        ``given`` are the parameters as they are written in the YAML.
        """
        return ()

    def concerns(self, flow: Flow) -> bool:
        """False: this flow is none of the rule's business; it is not asked and keeps no verdict from being final."""
        return True

    def index(self, host: Host) -> RuleIndex | tuple[RuleIndex, ...] | None:
        """What the rule can only match by. Many such rules in a row are then found by one look-up. Several: each alone
        would do, and the one is taken that tells most rules apart.

        None, as without an override: the rule is asked each time. Only for answers that rest on nothing but the
        packet's addresses and ports and on the facts that :meth:`asks` names.
        """
        return None

    def compile(self, host: Host) -> Matcher:
        """Return the answer as a function of packet and flow: YES, NO, PENDING, or an Action that overrides the
        rule's own.

        Called once. What can be prepared is prepared here; the returned function must not raise.
        """
        raise NotImplementedError
