"""Whether a project may have its namespace, as control planes say it. The script itself: tests/plugins."""

import asyncio

import pytest

from components.hostrun import ssh
from components.hostrun.target import SshError, Target
from components.tenancy import namespace

PLANES = [
    Target(name, f"192.0.2.{number}", 22, "root", "ssh-ed25519 AAAA") for number, name in enumerate(("a", "b"), 1)
]
DEAD = SshError("a", "address", "did not answer. Fix: switch it on")


def free(monkeypatch: pytest.MonkeyPatch, **answers: str | SshError) -> list[str]:
    """The control planes that were asked."""
    asked: list[str] = []

    async def run(target: Target, command: str, *, stdin: bytes, deadline: float) -> ssh.Result:
        assert (command, deadline > 0, b"namespace" in stdin) == ("bash -s -- vision", True, True)
        asked.append(target.name)
        answer = answers[target.name]
        if isinstance(answer, SshError):
            raise answer
        return ssh.Result(0, answer, "")

    monkeypatch.setattr(ssh, "run", run)
    asyncio.run(namespace.free(PLANES, "vision"))
    return asked


@pytest.mark.row("S5")
def test_the_first_control_plane_that_answers_says_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert free(monkeypatch, a="", b="ends\n") == ["a"]
    assert free(monkeypatch, a=DEAD, b="") == ["a", "b"]


@pytest.mark.row("S5")
@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (
            {"a": "ends\nSome content remains: pods\npod train-7 is on gpu-1, which is not Ready\n"},
            "a [namespace] vision was deleted and still ends: Some content remains: pods; pod train-7 is on gpu-1, "
            "which is not Ready. The project was not made. Fix: remove what holds it",
        ),
        ({"a": "ends\n"}, "still ends: Kubernetes does not say what holds it. The project was not made. Fix: "),
        ({"a": DEAD, "b": "foreign\n"}, "b [namespace] vision is there already, and no project of gpu-metal."),
        ({"a": DEAD, "b": DEAD}, "a [namespace] no control plane could say whether namespace vision is free."),
    ],
)
def test_a_namespace_that_is_not_free_is_refused(
    monkeypatch: pytest.MonkeyPatch, answers: dict[str, str | SshError], said: str
) -> None:
    with pytest.raises(namespace.NamespaceError) as error:
        free(monkeypatch, **answers)
    assert said in str(error.value)
