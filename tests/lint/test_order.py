"""Detectors whose order takes a name from one of them."""

from __future__ import annotations

from pywall_core.api import MORE, hookimpl
from pywall_core.config import Config
from pywall_core.lint.order import lint_order
from pywall_core.plugins.loader import assemble


class Segments:
    provides = ("segment",)


class First:
    """Says http."""

    transport = "tcp"
    protocols = ("http",)

    @hookimpl
    def pywall_detect(self, flow: object, client: bytes, server: bytes) -> object:
        return MORE


class Second(First):
    """Says http as well."""


def warnings(*objects: tuple[str, object]) -> list[tuple[str, str]]:
    """Return code and words of each warning about plugins in this order."""
    config = Config.model_validate({"plugins": [name for name, _ in objects]})
    lint_order(config, assemble(config, objects))
    return [(problem.code, problem.message) for problem in config.suspicious]


def test_a_detector_behind_one_that_says_the_same_name() -> None:
    ((code, words),) = warnings(("first", First()), ("second", Second()), ("segments", Segments()))
    assert code == "W014"
    assert "'http' is detected by 'first' too" in words


def test_detectors_of_different_names_in_any_order() -> None:
    class Other(First):
        protocols = ("gopher",)

    for objects in ((("a", First()), ("b", Other())), (("b", Other()), ("a", First()))):
        assert warnings(*objects, ("segments", Segments())) == []
