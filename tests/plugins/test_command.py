"""remote.Command's rules, each against a real sshd. That the engine acts on them: test_command_cli.py."""

import asyncio
import re
from typing import Any

import asyncssh
import pytest
from pulumi.runtime.proto import provider_pb2

from lab.plugins.command_provider.provider import COMMAND, make
from lab.plugins.values import UNKNOWN, Properties, Secret, plain
from tests.plugins.driver import AbortedError, Driver
from tests.plugins.sshd import Host

NONE, SOME = provider_pb2.DiffResponse.DIFF_NONE, provider_pb2.DiffResponse.DIFF_SOME


@pytest.fixture
def command(runner: asyncio.Runner) -> Driver:
    return Driver.start(runner, make, COMMAND)


def inputs(command: Driver, host: Host, **given: Any) -> Properties:
    return command.checked({"connection": host.connection(), **given})


def created(command: Driver, host: Host, **given: Any) -> Properties:
    return command.create(inputs(command, host, **given))[1]


def failed(command: Driver, host: Host, **given: Any) -> str:
    with pytest.raises(AbortedError) as error:
        created(command, host, **given)
    return str(error.value)


def test_check_fills_in_the_official_defaults(command: Driver) -> None:
    checked = command.checked({"connection": {"host": "h", "proxy": {"host": "p"}}})
    ends = {"port": 22, "user": "root", "dialErrorLimit": 10, "perDialTimeout": 15}
    assert checked == {
        "addPreviousOutputInEnv": True,
        "logging": "stdoutAndStderr",
        "connection": Secret({"host": "h", **ends, "proxy": {"host": "p", **ends}}),
    }


@pytest.mark.parametrize(
    ("news", "failure"),
    [
        ({}, ("connection", "missing required property 'connection'")),
        ({"connection": {}}, ("connection.host", "missing required property 'host'")),
        ({"connection": {"host": "h", "port": "22"}}, ("connection.port", "must be a number")),
        ({"connection": {"host": "h"}, "create": 1}, ("create", "must be a string")),
        ({"connection": {"host": "h"}, "triggers": "x"}, ("triggers", "must be a list")),
    ],
)
def test_check_says_what_is_wrong(command: Driver, news: Properties, failure: tuple[str, str]) -> None:
    assert command.check(news)[1] == [failure]


def test_check_refuses_an_unknown_logging(command: Driver) -> None:
    assert command.check({"connection": {"host": "h"}, "logging": "all"})[1][0][0] == "logging"


def test_an_unknown_connection_passes_check(command: Driver) -> None:
    assert command.checked({"connection": UNKNOWN})["connection"] == Secret(UNKNOWN)


@pytest.mark.parametrize("key", ["create", "update", "delete", "stdin", "logging", "environment"])
def test_any_changed_input_is_an_update(command: Driver, key: str) -> None:
    old = command.checked({"connection": {"host": "h"}, "create": "a", "stdin": "a", "environment": {"LC_A": "a"}})
    new = {**old, key: {"LC_A": "b"} if key == "environment" else "stdout"}
    answer = command.diff({**old, "stdout": "", "stderr": ""}, new)
    assert (answer.changes, list(answer.replaces), answer.deleteBeforeReplace) == (SOME, [], False)
    assert [path.split(".")[0] for path in answer.detailedDiff] == [key]


def test_a_changed_connection_is_an_update(command: Driver) -> None:
    old = command.checked({"connection": {"host": "h"}})
    answer = command.diff(old, command.checked({"connection": {"host": "h", "dialErrorLimit": 11}}))
    assert (list(answer.diffs), list(answer.replaces)) == (["connection"], [])


def test_changed_triggers_replace_even_with_an_update_command(command: Driver) -> None:
    old = command.checked({"connection": {"host": "h"}, "update": "u", "triggers": [1]})
    answer = command.diff(old, {**old, "triggers": [2]})
    assert list(answer.replaces) == ["triggers"]
    assert answer.detailedDiff["triggers[0]"].kind == provider_pb2.PropertyDiff.UPDATE_REPLACE
    assert not answer.deleteBeforeReplace  # create first: the program must ask for delete first


def test_nothing_changed(command: Driver) -> None:
    old = command.checked({"connection": {"host": "h"}, "create": "c"})
    assert command.diff({**old, "stdout": "text", "stderr": ""}, old).changes == NONE


def test_what_becomes_secret_is_a_change(command: Driver) -> None:
    old = command.checked({"connection": {"host": "h"}, "stdin": "s"})
    assert list(command.diff(old, {**old, "stdin": Secret("s")}).diffs) == ["stdin"]


def test_create_feeds_stdin_and_trims_one_newline(command: Driver, host: Host) -> None:
    object_id, state = command.create(inputs(command, host, create="cat; echo; echo err >&2", stdin="in\n"))
    assert (state["stdout"], state["stderr"]) == ("in\n", "err")
    assert re.fullmatch(r"thing[0-9a-f]{8}", object_id)


def test_large_stdin_arrives_whole(command: Driver, host: Host) -> None:
    assert created(command, host, create="wc -c", stdin="x" * 3_000_000)["stdout"] == "3000000"


def test_without_stdin_the_command_reads_an_end(command: Driver, host: Host) -> None:
    assert created(command, host, create="cat; echo done")["stdout"] == "done"


def test_a_command_may_end_without_reading_its_stdin(
    command: Driver, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = asyncssh.SSHClientConnection.create_session

    async def late(*words: Any, **more: Any) -> Any:
        channel, session = await begin(*words, **more)
        await channel.wait_closed()
        return channel, session

    monkeypatch.setattr(asyncssh.SSHClientConnection, "create_session", late)
    assert created(command, host, create="echo done", stdin="unread")["stdout"] == "done"


def test_create_absent_runs_nothing(command: Driver) -> None:
    _, state = command.create(command.checked({"connection": {"host": "not.a.host", "dialErrorLimit": 0}}))
    assert (state["stdout"], state["stderr"]) == ("", "")


def test_update_runs_update_else_create(command: Driver, host: Host) -> None:
    state = created(command, host, create="echo first", addPreviousOutputInEnv=False)
    again = inputs(command, host, create="echo second", addPreviousOutputInEnv=False)
    assert command.update(state, again)["stdout"] == "second"
    own = {**again, "update": "echo update; cat", "stdin": "!"}
    assert command.update(state, own)["stdout"] == "update\n!"


def test_update_without_any_command_keeps_the_outputs(command: Driver, host: Host) -> None:
    state = {**inputs(command, host), "stdout": "kept", "stderr": ""}
    assert command.update(state, inputs(command, host, delete="true"))["stdout"] == "kept"


def test_delete_uses_the_command_and_stdin_of_the_state(command: Driver, host: Host) -> None:
    log = host.folder / "deleted"
    state = created(command, host, delete=f"cat > {log}", stdin="of the state")
    command.delete(state)
    assert log.read_text() == "of the state"


def test_delete_absent_needs_no_host(command: Driver) -> None:
    command.delete({"connection": {"host": "not.a.host"}, "stdout": "", "stderr": ""})


def test_preview_does_not_dial_and_knows_no_output(command: Driver) -> None:
    given = command.checked({"connection": {"host": "not.a.host", "dialErrorLimit": -1}, "create": "c"})
    _, state = command.create(given, preview=True)
    assert (state["stdout"], state["stderr"], state["create"]) == (UNKNOWN, UNKNOWN, "c")
    old = {**given, "stdout": "o", "stderr": "e"}
    assert command.update(old, {**given, "create": "d"}, preview=True)["stdout"] is UNKNOWN
    assert command.update(old, given, preview=True)["stdout"] == "o"


def test_secrets_stay_with_the_field_of_the_same_name(command: Driver, host: Host) -> None:
    state = created(command, host, create=Secret("cat"), stdin=Secret("hidden"))
    assert isinstance(state["connection"], Secret)
    assert (state["create"], state["stdin"]) == (Secret("cat"), Secret("hidden"))
    assert state["stdout"] == "hidden"  # never secret by itself: additionalSecretOutputs is the program's


def test_a_failure_shows_the_command_line_and_all_output(command: Driver, host: Host) -> None:
    said = failed(command, host, create="echo out; echo err >&2; exit 3")
    assert said.startswith('Process exited with status 3: running "echo out; echo err >&2; exit 3":\n')
    assert sorted(said.splitlines()[1:]) == ["err", "out"]


def test_a_signal_is_named(command: Driver, host: Host) -> None:
    assert "from signal TERM" in failed(command, host, create="kill -TERM $$")


def test_a_connection_lost_under_way_is_an_error(command: Driver, host: Host) -> None:
    said = failed(command, host, create="echo begun; kill -9 $PPID; sleep 5")
    assert said.startswith("wait: remote command exited without exit status or exit signal: running ")


def test_environment_goes_by_ssh(command: Driver, host: Host) -> None:
    state = created(command, host, create="echo $LC_ONE-$LC_TWO", environment={"LC_ONE": "1", "LC_TWO": "2"})
    assert state["stdout"] == "1-2"


def test_refused_environment_is_fatal_before_the_command_runs(command: Driver, host: Host) -> None:
    mark = host.folder / "refused"
    assert failed(command, host, create=f"touch {mark}", environment={"OTHER": "1"}) == "ssh: setenv failed"
    assert not mark.exists()


def test_previous_output_refused_is_a_warning(command: Driver, host: Host) -> None:
    state = created(command, host, create="echo out")
    command.update(state, inputs(command, host, create="true"))
    warnings = [line for line in command.engine.lines if line.startswith("Unable to set")]
    assert len(warnings) == 1
    assert "'PULUMI_COMMAND_STDOUT'" in warnings[0]


def test_create_sends_no_previous_output(command: Driver, host: Host) -> None:
    created(command, host, create="true", environment={"LC_A": "a"})
    assert command.engine.lines == []


@pytest.mark.parametrize(
    ("logging", "lines"),
    [("stdoutAndStderr", {"o", "e"}), ("stdout", {"o"}), ("stderr", {"e"}), ("none", set())],
)
def test_logging_chooses_what_is_shown_live(command: Driver, host: Host, logging: str, lines: set[str]) -> None:
    state = created(command, host, create="echo o; echo e >&2", logging=logging)
    assert set(command.engine.lines) == lines
    assert (state["stdout"], state["stderr"]) == ("o", "e")


def test_a_line_over_64_kib_does_not_hang(command: Driver, host: Host) -> None:
    """The official plugin hangs for ever here: the one difference in this file."""
    state = created(command, host, create="head -c 200000 /dev/zero | tr '\\0' x")
    assert len(state["stdout"]) == len(command.engine.lines[0]) == 200_000


def test_refresh_says_what_the_state_says(command: Driver) -> None:
    state = {"connection": Secret({"host": "not.a.host"}), "stdout": "s", "stderr": ""}
    given = {"connection": Secret({"host": "not.a.host"})}
    assert command.read("id", state, given) == ("id", state, given)


def test_other_types_are_refused(runner: asyncio.Runner) -> None:
    local = Driver.start(runner, make, "command:local:Command")
    with pytest.raises(AbortedError, match="unrecognized resource type: command:local:Command"):
        local.check({})


def test_secret_values_are_unwrapped_everywhere() -> None:
    assert plain({"a": [Secret({"b": Secret(1)})]}) == {"a": [{"b": 1}]}
    assert "hidden" not in repr(Secret("hidden"))
