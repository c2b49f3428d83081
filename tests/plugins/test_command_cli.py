"""remote.Command and CopyToRemote through the real `pulumi`, one story in the order it happens."""

import json

from tests.plugins.sshd import Host
from tests.plugins.stack import Stack

PROGRAM = """
import pulumi, json
from pulumi_command import remote
config = json.load(open("config.json"))
connection = remote.ConnectionArgs(**config["connection"])
command = remote.Command("marker", connection=connection, create=config["create"], delete=config["delete"],
    triggers=config.get("triggers"), stdin=pulumi.Output.secret(config["stdin"]),
    logging=remote.Logging.STDOUT_AND_STDERR, add_previous_output_in_env=False,
    opts=pulumi.ResourceOptions(additional_secret_outputs=["stderr"], delete_before_replace=True))
copied = remote.CopyToRemote("file", connection=connection, remote_path=config["remote"],
    source=pulumi.StringAsset("copied text"))
pulumi.export("stdout", command.stdout)
"""


def test_up_update_replace_and_destroy(stack: Stack, host: Host) -> None:
    log, remote = host.folder / "log", host.folder / "deep" / "file"
    config: dict[str, object] = {
        "connection": {"host": "127.0.0.1", "port": host.port, "private_key": host.private_key,
                       "host_key": host.host_key},
        "create": f"echo created >> {log}; cat; echo careful >&2", "delete": f"echo deleted >> {log}",
        "stdin": "from stdin", "remote": str(remote),
    }  # fmt: skip

    def up(**changes: object) -> str:
        config.update(changes)
        (stack.project / "config.json").write_text(json.dumps(config))
        return stack.run("up", "--yes", "--skip-preview")

    stack.program(PROGRAM)
    shown = up()
    assert "careful" in shown  # logging is live
    assert log.read_text() == "created\n"
    assert remote.read_text() == "copied text"
    outputs = stack.resources()["marker"]["outputs"]
    assert outputs["stdout"] == "from stdin"
    assert (
        "ciphertext" in outputs["connection"] and "ciphertext" in outputs["stdin"] and "ciphertext" in outputs["stderr"]
    )
    assert host.private_key.splitlines()[1] not in stack.run("stack", "export")

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
    assert remote.exists()  # CopyToRemote deletes nothing
