"""``hookimpl`` marks functions, methods and compiled functions, and the engine calls the compiled one itself."""

from __future__ import annotations

import operator

import pluggy

from pywall_core import hookspecs
from pywall_core.hookimpl import direct, hookimpl


def test_a_function_is_marked_and_stays_itself() -> None:
    @hookimpl
    def pywall_tick(now: float) -> None: ...

    assert direct(pywall_tick) is pywall_tick
    manager = pluggy.PluginManager("pywall")
    manager.add_hookspecs(hookspecs)
    assert manager.parse_hookimpl_opts(type("Plugin", (), {"pywall_tick": staticmethod(pywall_tick)}), "pywall_tick")


def test_a_function_that_takes_no_attributes_gets_one_that_stands_for_it() -> None:
    compiled = operator.itemgetter(0).__call__  # like a function of mypyc's: callable, and takes no attributes
    carrier = hookimpl(compiled)
    assert carrier is not compiled
    assert direct(carrier) is compiled
    assert carrier(("first", "second")) == "first"
