"""Marks of types are found wherever a value of the type may be. Which types have one: the tests of those types."""

from typing import Annotated, Literal

from pydantic import Field

from components.host.addresses import address_in, not_a_machines
from components.kubernetes.endpoint import parsed
from components.model import Model
from components.problem import Problem
from components.rule import Reached, Rule, broken, marked

Even = Annotated[int, Rule(lambda value: f"{value} is odd." if value % 2 else None)]
Short = Annotated[str, Rule(lambda value: f"{value} is long." if len(value) > 2 else None), Reached()]


class Inner(Model):
    kind: Literal["inner"] = "inner"
    number: Even = 1
    free: dict[str, int] = Field(default_factory=dict)


class Plain(Model):
    kind: Literal["plain"]
    number: int = 1


class Outer(Model):
    some_number: Even | None = None
    either: Even | Short = 2
    numbers: tuple[Even, ...] = ()
    named: dict[Short, Even] = Field(default_factory=dict)
    inner: Inner | Plain | None = None
    inners: dict[str, tuple[Inner, ...]] = Field(default_factory=dict)


def found(**keys: object) -> list[Problem]:
    return list(broken(marked(Outer.model_validate(keys))))


def test_a_rule_is_asked_wherever_a_value_of_its_type_is() -> None:
    assert found(someNumber=3) == [Problem(("someNumber",), "3 is odd.")]
    assert found(either="long") == [Problem(("either",), "long is long.")]
    assert found(either=3) == [Problem(("either",), "3 is odd.")]
    assert found(numbers=[2, 3, 4, 5]) == [Problem(("numbers", 1), "3 is odd."), Problem(("numbers", 3), "5 is odd.")]
    assert found(named={"long": 2, "b": 3}) == [
        Problem(("named", "long"), "long is long."),
        Problem(("named", "b"), "3 is odd."),
    ]
    assert found(inner={"kind": "inner"}) == [Problem(("inner", "number"), "1 is odd.")]
    assert found(inner={"kind": "plain"}, inners={"a": []}) == []
    assert found(inners={"a": [{"number": 2}, {}]}) == [Problem(("inners", "a", 1, "number"), "1 is odd.")]


def test_each_mark_of_a_type_is_found() -> None:
    marks = [(key, type(mark)) for key, mark, _ in marked(Outer.model_validate({"either": "ab"}))]
    assert marks == [(("either",), Rule), (("either",), Reached)]


def test_the_address_in_a_text() -> None:
    texts = {
        "10.0.0.1": "10.0.0.1",
        "10.0.0.1:5000": "10.0.0.1",
        "http://10.0.0.1:3128/x": "10.0.0.1",
        "ssh://git@10.0.0.1/x": "10.0.0.1",
        "[2001:db8::1]:6443": "2001:db8::1",
        "https://[2001:db8::1]/": "2001:db8::1",
        "2001:db8::1": "2001:db8::1",
    }
    assert {text: str(address_in(text)) for text in texts} == texts
    assert [address_in(text) for text in ("db-1", "http://db-1:80/10.0.0.1", "file:///10.0.0.1", "10.0.0.256")] == [
        None
    ] * 4


def test_no_machine_has_such_an_address() -> None:
    refused = ["::", "127.0.0.1", "::1", "224.0.0.1", "ff02::1", "169.254.1.1", "fe80::1", "255.255.255.255"]
    assert [text for text in refused if not not_a_machines(text)] == []
    assert [text for text in ("10.0.0.1", "192.0.2.1", "2001:db8::1", "fd00::1", "db-1") if not_a_machines(text)] == []
    assert not_a_machines("127.0.0.1", loopback=True) is None
    assert not_a_machines("0.0.0.0", loopback=True)  # noqa: S104 - nothing listens


def test_an_endpoint_is_parsed() -> None:
    assert parsed("api.example.org:6443") == ("api.example.org", 6443)
    assert parsed("[2001:db8::1]:6443") == ("2001:db8::1", 6443)
    wrong = (
        "api",
        "api:0",
        "api:65536",
        "10.0.0.256:6443",
        "2001:db8::1:6443",
        "-a:1",
        "a b:1",
        "https://api:1",
        "[x]:1",
    )
    assert [text for text in wrong if parsed(text)] == []
