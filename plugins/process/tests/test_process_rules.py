"""Rules by program, user and cgroup: the contract of rule kinds, and their answers."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest
from pydantic import ValidationError
from pywall_process.rules import CgroupRule, ProcessRule, UserRule

from pywall_core.api import NO, PENDING, YES, Answer, Surroundings
from pywall_core.testing import make_flow, rule_contract
from pywall_core.testing.host import FakeHost

TestProcess = rule_contract(ProcessRule, [{"path": "/usr/bin/curl"}, {"name": "c*", "command": ["* -s *", "x"]}])
TestUser = rule_contract(UserRule, [{"is": "root"}, {"is": [0, "1000-2000"]}])
TestCgroup = rule_contract(CgroupRule, [{"unit": "nginx.service"}, {"container": "3f4a*", "path": "/system.slice/*"}])

HERE = Surroundings(frozenset({"lo"}))
CURL = {"process.uid": 1000, "process.path": "/usr/bin/curl", "process.command": "curl -s http://a"}


def answer(rule: Any, facts: dict[str, Any], *, known: bool = True) -> Answer:
    host = FakeHost()
    host.fact_state = lambda flow, name: YES if known or name in flow.facts else PENDING  # type: ignore[method-assign]
    matcher = rule.compile(host)
    flow = make_flow(facts=facts)
    return matcher(None, flow)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"path": "/usr/bin/curl"}, YES),
        ({"path": ["/usr/bin/wget", "/usr/*"]}, YES),
        ({"path": "curl"}, NO),
        ({"path": "/USR/bin/curl"}, NO),
        ({"path": "/usr/bin/curl", "command": "*http://a*"}, YES),
        ({"path": "/usr/bin/curl", "command": "*http://b*"}, NO),
        ({"path": "/usr/bin/curl", "parent": "/usr/bin/bash"}, NO),
    ],
)
def test_a_program_is_known_by_all_that_is_given(parameters: dict[str, Any], expected: Answer) -> None:
    assert answer(ProcessRule.model_validate(parameters), CURL) is expected


def test_what_is_not_known_yet_is_pending_unless_something_else_says_no() -> None:
    rule = ProcessRule.model_validate({"path": "/usr/bin/curl", "command": "*wget*"})
    assert answer(rule, {}, known=False) is PENDING
    assert answer(rule, {"process.command": "curl"}, known=False) is NO
    assert answer(rule, {"process.command": "wget"}, known=False) is PENDING
    assert answer(rule, {}) is NO


@pytest.mark.parametrize(
    ("users", "uid", "expected"),
    [
        ("root", 0, YES), ("root", 1, NO), (0, 0, YES), ("0", 0, YES), ([1, "1000-1999"], 1000, YES),
        ("1000-1999", 1999, YES), ("1000-1999", 2000, NO), ("no-such-user-here", 0, NO), ("root", "root", NO),
    ],
)  # fmt: skip
def test_users_by_name_number_and_range(users: Any, uid: Any, expected: Answer) -> None:
    assert answer(UserRule.model_validate({"is": users}), {"process.uid": uid}) is expected


def test_units_and_containers() -> None:
    facts = {"process.unit": "nginx.service", "process.cgroup": "/system.slice/nginx.service"}
    assert answer(CgroupRule.model_validate({"unit": "nginx*"}), facts) is YES
    assert answer(CgroupRule.model_validate({"path": "/system.slice/*", "unit": "sshd.service"}), facts) is NO
    assert answer(CgroupRule.model_validate({"container": "*"}), facts) is NO


@pytest.mark.parametrize(
    ("kind", "parameters", "says"),
    [
        (UserRule, {"is": True}, "write a name (www-data), a number (33), or a range (1000-59999)"),
        (UserRule, {"is": "2000-1000"}, "the first is the smaller one"),
        (UserRule, {"is": []}, "a user's name or number is needed"),
        (ProcessRule, {}, "one of path, name, command, parent is needed"),
        (ProcessRule, {"path": 7}, "a text or a list of texts"),
        (CgroupRule, {"unit": []}, "a text or a list of texts"),
    ],
)
def test_mistakes_are_told_with_the_right_form(kind: Any, parameters: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        kind.model_validate(parameters)
    assert says in str(caught.value)


def test_lint_tells_what_can_never_match(tmp_path: Any) -> None:
    link = tmp_path / "python"
    link.symlink_to(sys.executable)
    found = {
        path: [code for _, code, _ in ProcessRule.model_validate({"path": path}).lint({}, HERE)]
        for path in ("curl", "/no/such/program", str(link), os.path.realpath(sys.executable), "/opt/*", "*/curl")
    }
    assert list(found.values()) == [["W026"], ["W026"], ["W026"], [], [], []]
    assert [code for _, code, _ in UserRule.model_validate({"is": ["root", "nobody-at-all"]}).lint({}, HERE)] == [
        "W027"
    ]
    elsewhere = Surroundings()
    assert not list(UserRule.model_validate({"is": "nobody-at-all"}).lint({}, elsewhere))
    assert not list(ProcessRule.model_validate({"path": "/no/such/program"}).lint({}, elsewhere))
