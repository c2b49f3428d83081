"""Before something is undone on a host: asks the host whether it answers, with a deadline.

A delete runs from the connection in the state, and the plugin's own dial hangs for ever on a host that takes the
connection and says nothing. Pulumi calls this hook only while the program runs, so that `destroy` needs --run-program.
"""

from collections.abc import Mapping

from pulumi import Output, ResourceHook, ResourceHookArgs

from components.hostrun import ssh
from components.hostrun import target as say
from components.hostrun.target import SshError, Target, of_state

NAME = "leave"
"""Of the hook. The state keeps it, so no release may change it."""
LIMIT = 10.0
"""Seconds for a host's answer."""


def hook(targets: Mapping[str, Target]) -> ResourceHook:
    """The hook for all resources that undo something on a host. `targets` are the site's hosts."""

    async def run(args: ResourceHookArgs) -> None:
        await ask(targets, args)

    return ResourceHook(NAME, run)


async def ask(targets: Mapping[str, Target], args: ResourceHookArgs) -> None:
    """Raises SshError for a host that does not answer, with the way to forget it."""
    inputs = args.old_inputs or {}
    connection = await Output.from_input(inputs["connection"]).future()
    create = str(inputs["create"])
    target = of_state(_name(args.name, create), dict(connection or {}), sudo=create.startswith("sudo "))
    known = next((one.name for one in targets.values() if (one.address, one.port) == (target.address, target.port)), "")
    try:
        await ssh.probe(target, deadline=LIMIT)
    except SshError as error:
        raise say.cannot_leave(error, known or target.name) from None


def _name(resource: str, create: str) -> str:
    """`gpu-1` of the resource `gpu-1-base`, whose command applies the layer `base`; of a runner, `gpu-1-runner`."""
    words = create.split()
    layer = words[words.index("apply") + 1] if "apply" in words else "runner"
    return resource.removesuffix(f"-{layer}")
