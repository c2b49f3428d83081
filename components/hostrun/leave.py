"""Before something is undone on a host: asks the host whether it answers, with a deadline.

A delete runs from the connection in the state, and the plugin's own dial hangs for ever on a host that takes the
connection and says nothing. Pulumi calls this hook only while the program runs, so that `destroy` needs --run-program.
"""

from collections.abc import Callable, Mapping

from pulumi import Output, ResourceHook, ResourceHookArgs

from components.hostrun import ssh
from components.hostrun import target as say
from components.hostrun.target import SshError, Target, of_state
from components.hostrun.watch import Watch

NAME = "leave"
"""Of the hook. The state keeps it, so no release may change it."""
_QUESTION = f"sh -c '{say.HAS_RUNNER}'"
LIMIT = 10.0
"""Seconds for a host's answer."""


def hook(targets: Mapping[str, Target], say: Callable[[str], None]) -> ResourceHook:
    """The hook for all resources that undo something on a host. `targets` are the site's hosts.

    `say` receives what an operator should know while the undo runs.
    """
    # One watch a host: Pulumi calls this hook for each of its layers, and the runner undoes several of them at once.
    watches: dict[Target, Watch] = {}

    async def run(args: ResourceHookArgs) -> None:
        target, layer = await ask(targets, args)
        await watches.setdefault(target.way, Watch(target, say)).begin(layer, undo=True)

    return ResourceHook(NAME, run)


async def ask(targets: Mapping[str, Target], args: ResourceHookArgs) -> tuple[Target, str]:
    """The host, which answers, and the layer that is to be undone.

    Raises SshError for a host that does not answer, with the way to forget it.
    """
    inputs = args.old_inputs or {}
    connection = await Output.from_input(inputs["connection"]).future()
    # `create` has a mark of `sitectl drift --record` in its place at times.
    undo = str(inputs["delete"])
    layer = _layer(undo)
    name = args.name.removesuffix(f"-{layer}")
    target = of_state(name, dict(connection or {}), sudo=undo.startswith("sudo "))
    known = next((one.name for one in targets.values() if (one.address, one.port) == (target.address, target.port)), "")
    try:
        # With the runner's own resource comes a script that undoes without the link, too (install.sh).
        seen = await ssh.probe(target, "true" if layer == "runner" else _QUESTION, LIMIT)
        if lost := say.no_runner(target, seen.splitlines()):
            raise lost
    except SshError as error:
        raise say.cannot_leave(error, known or target.name) from None
    return target, layer


def _layer(undo: str) -> str:
    """`base` of a command that undoes the layer `base`, of the resource `gpu-1-base`; else it is `gpu-1-runner`."""
    words = undo.split()
    return words[words.index("undo") + 1] if "undo" in words else "runner"
