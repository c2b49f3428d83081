"""remote.Command and CopyToRemote through the real `pulumi`, one story in the order it happens."""

import json
from typing import Any

import pytest

from tests.plugins.sshd import Host
from tests.plugins.stack import Stack

PROGRAM = """
import json
import pulumi
from pulumi_command import remote
config = json.load(open("config.json"))
connection = remote.ConnectionArgs(**config["connection"])
command = remote.Command("marker", connection=connection, create=config["create"], delete=config["delete"],
    triggers=config.get("triggers"), stdin=pulumi.Output.secret(config["stdin"]),
    logging=remote.Logging.STDOUT_AND_STDERR, add_previous_output_in_env=False,
    opts=pulumi.ResourceOptions(additional_secret_outputs=["stderr"], delete_before_replace=True))
remote.CopyToRemote("file", connection=connection, remote_path=config["remote"],
    source=pulumi.StringAsset("copied text"))
"""


def configured(host: Host) -> dict[str, Any]:
    log = host.folder / "log"
    return {
        "connection": {
            "host": "127.0.0.1", "port": host.port, "private_key": host.private_key, "host_key": host.host_key
        },
        "create": f"echo created >> {log}; cat; echo careful >&2",
        "delete": f"echo deleted >> {log}",
        "stdin": "from stdin",
        "remote": str(host.folder / "deep" / "file"),
    }  # fmt: skip


def assert_connection_as_the_official_plugin_keeps_it(stack: Stack, host: Host) -> None:
    """Else the official one, when it takes over, shows an update of every command."""
    text = stack.run("stack", "export", "--show-secrets")
    found = {r["urn"].rpartition("::")[2]: r for r in json.loads(text)["deployment"]["resources"]}
    kept = {
        "host": "127.0.0.1", "port": host.port, "user": "root", "dialErrorLimit": 10, "perDialTimeout": 15,
        "privateKey": host.private_key, "hostKey": host.host_key,
    }  # fmt: skip
    for name in ("marker", "file"):
        for side in ("inputs", "outputs"):
            assert json.loads(found[name][side]["connection"]["plaintext"]) == kept


@pytest.mark.long
def test_up_update_replace_and_destroy(stack: Stack, host: Host) -> None:
    log, config = host.folder / "log", configured(host)

    def up(**changes: Any) -> str:
        config.update(changes)
        (stack.project / "config.json").write_text(json.dumps(config))
        return stack.run("up", "--yes", "--skip-preview")

    stack.program(PROGRAM)
    assert "careful" in up()  # logging is live
    assert log.read_text() == "created\n"
    assert (host.folder / "deep" / "file").read_text() == "copied text"
    outputs = stack.resources()["marker"]["outputs"]
    assert outputs["stdout"] == "from stdin"
    assert all("ciphertext" in outputs[key] for key in ("connection", "stdin", "stderr"))
    assert host.private_key.splitlines()[1] not in stack.stored()
    assert_connection_as_the_official_plugin_keeps_it(stack, host)

    stack.run("up", "--yes", "--expect-no-changes", "--skip-preview")
    assert log.read_text() == "created\n"

    assert "1 updated" in up(delete=f"echo deleted twice >> {log}")
    assert log.read_text() == "created\n" * 2
    preview = stack.run("preview", "--json")
    assert json.loads(preview[preview.index("{") :])["changeSummary"] == {"same": 3}

    assert "1 replaced" in up(triggers=["new"])
    assert log.read_text() == "created\ncreated\ndeleted twice\ncreated\n"

    stack.run("destroy", "--yes")
    assert log.read_text().endswith("created\ndeleted twice\n")
    assert (host.folder / "deep" / "file").exists()  # CopyToRemote deletes nothing
