"""What is asked before something is undone on a host: by the connection in the state, within seconds, with a way out.

Does not prove: that the engine calls the hook, and with these inputs; the lab's story of bad luck does.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from pulumi import Output, ResourceHookArgs

from components.hostrun import leave
from components.hostrun.target import HAS_RUNNER, Target
from tests.unit.sshd import HOST_KEY, OTHER_KEY, PRIVATE_KEY, closed_port, failure, go, line, server, sudo_says, target

COMMAND = "command:remote:Command"
UNDO = "sudo -n gpu-metal undo base 20261129T214000Z"
WAY = "a host that is gone for good: give it the row hosts.{0} with state: gone, run pulumi up, then delete the row."


async def ask(
    port: int, resource: str = "gpu-1-base", undo: str = UNDO, targets: Mapping[str, Target] | None = None
) -> None:
    """Calls the hook as the engine does: with the inputs in the state, whose connection is secret."""
    connection = {"host": "127.0.0.1", "port": float(port), "user": "deploy", "hostKey": line(HOST_KEY)}
    secret = Output.secret({"privateKey": PRIVATE_KEY, **connection})
    inputs = {"create": "DRIFTED by somebody", "delete": undo, "connection": secret}
    await leave.ask(targets or {}, ResourceHookArgs("", "", resource, COMMAND, old_inputs=inputs))


def test_a_host_that_answers_is_asked_with_its_own_user() -> None:
    asked: list[str] = []

    async def answers() -> None:
        async def handler(process: Any) -> None:
            asked.append(process.command)
            process.exit(0)

        async with server(handler) as port:
            await ask(port)
            await ask(port, undo="gpu-metal undo base")
            await ask(port, "gpu-1-runner", "sudo -n bash -s -- remove")

    go(answers())
    there = f"sh -c '{HAS_RUNNER}'"
    assert asked == [f"sudo -n {there}", there, "sudo -n true"]


def test_a_host_that_takes_the_connection_and_says_nothing_fails_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leave, "LIMIT", 0.5)

    async def mute() -> None:
        async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as listener:
            await ask(listener.sockets[0].getsockname()[1])

    error = failure(mute())
    assert str(error).startswith("gpu-1 [connection] 127.0.0.1:")
    assert "takes the connection but sent no SSH greeting within 0.5 s: it hangs. Nothing was undone there." in str(
        error
    )
    assert str(error).endswith(f"Fix: bring it back, then repeat this run; {WAY.format('gpu-1')}")


@pytest.mark.parametrize(
    ("resource", "undo", "host"),
    [
        ("gpu-1-base", UNDO, "gpu-1"),
        ("gpu-1-runner", "sudo -n bash -s -- remove", "gpu-1"),
        ("db-1-sqream-run", "gpu-metal undo sqream-run", "db-1"),
    ],
)
def test_a_host_that_only_the_state_knows_is_named_after_its_resource(resource: str, undo: str, host: str) -> None:
    error = failure(ask(closed_port(), resource, undo))
    assert (error.host, error.check_id) == (host, "address")
    assert "refuses connections. Nothing was undone there. Fix: bring it back, then repeat this run; " in error.message
    assert error.message.endswith(WAY.format(host))


def test_a_host_of_the_site_has_the_sites_name() -> None:
    port = closed_port()
    error = failure(ask(port, "lab-members-03", "gpu-metal undo members-03", {"gpu-1": target(port)}))
    assert error.host == "gpu-1"


def test_a_host_that_refuses_keeps_the_fix_of_its_own() -> None:
    async def other_key() -> None:
        async with server(key=OTHER_KEY) as port:
            await ask(port)

    error = failure(other_key())
    assert "sitectl scan gpu-1 --replace; a host that is gone for good:" in str(error)

    async def no_sudo() -> None:
        async with server(lambda process: sudo_says(process, 1, "sudo: a password is required")) as port:
            await ask(port)

    assert failure(no_sudo()).check_id == "sudo"


def test_a_host_without_a_runner_is_not_told_to_undo() -> None:
    async def bare(answer: bytes) -> None:
        async def handler(process: Any) -> None:
            process.stdout.write(b"Welcome\n" + answer)
            process.exit(0)

        async with server(handler) as port:
            await ask(port)

    go(bare(b""))
    assert str(failure(bare(b"bare\n"))) == (
        "gpu-1 [runner] /usr/local/sbin/gpu-metal is gone from there: somebody deleted it, or this is another disk. "
        f"Nothing was undone there. Fix: sitectl drift --record, then pulumi up; {WAY.format('gpu-1')}"
    )


def test_a_host_that_undoes_several_layers_is_watched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[tuple[int, str, bool]] = []

    class Watch:
        def __init__(self, target: Target, _: object) -> None:
            self.of = target.port

        async def begin(self, layer: str, *, undo: bool) -> None:
            begun.append((id(self), layer, undo))

    async def asked(_: object, args: ResourceHookArgs) -> tuple[Target, str]:
        host, _, layer = args.name.rpartition("-")
        return Target(host, "10.0.0.1" if host == "gpu-1" else "10.0.0.2", 22, "deploy", ""), layer

    monkeypatch.setattr(leave, "Watch", Watch)
    monkeypatch.setattr(leave, "ask", asked)
    monkeypatch.setattr(leave, "ResourceHook", lambda _, run: run)  # a real one needs an engine
    hook: Any = leave.hook({}, lambda _: None)

    async def leaves() -> None:
        for resource in ("gpu-1-base", "gpu-1-runner", "gpu-2-runner"):
            await hook(ResourceHookArgs("", "", resource, COMMAND))

    go(leaves())
    assert [(layer, undo) for _, layer, undo in begun] == [("base", True), ("runner", True), ("runner", True)]
    assert begun[0][0] == begun[1][0] != begun[2][0]
