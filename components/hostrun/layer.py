"""Layers of a host as Pulumi resources: the one place that builds a remote.Command.

What is fixed here, and why (measured in docs/adr/0001-one-resource-a-layer.md): the command line is short and public,
secrets and bulk go by stdin; no triggers (they replace), no environment (needs AcceptEnv), no previous output;
deletes run the ledger backwards on the host, and are skipped when the whole host leaves. Who runs goes by stdin too, as
its first line: a delete has it from the state, and the host judges it (docs/adr/0023-a-host-has-an-owner.md).
"""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from pulumi import Input, Output, Resource, ResourceHook, ResourceHookBinding, ResourceOptions
from pulumi_command import remote

from components.hostrun import library, restart
from components.hostrun.bring import STAGED
from components.hostrun.step import RUNNER, Step, command_line, payload

_INPUTS = ["connection", "create", "delete", "logging", "stdin", "addPreviousOutputInEnv"]


@dataclass(frozen=True, slots=True)
class HostRef:
    """What a layer needs to know of its host. The host's next layer depends on the resources in `last`."""

    name: str
    connection: remote.ConnectionArgs
    root: str
    """`sudo -n ` or nothing: the prefix of every command."""
    probe: Callable[[str], ResourceHook]
    """Before each change of the resource of that name: checks that the host answers and is not restarting."""
    begun: Callable[[str, str], ResourceHook]
    """Last before each change of the resource of that name, for that layer: watches the host from here (watch.py)."""
    ended: Callable[[str], ResourceHook]
    """First after each change of the resource of that name: the host is watched no longer."""
    back: Callable[[str], ResourceHook]
    """After a layer that may restart the host: waits until it is back."""
    gone: bool
    secret: Callable[[str], Input[str]]
    """A secret of the stack by its name."""
    owner: Output[str]
    """Who runs, in the words of owner.py: the host refuses another owner, and asks an undo too."""
    run: Output[str]
    """When a run was interrupted there (20261129T214000Z), for an undo: the host refuses one that is older."""
    leave: ResourceHook | None = None
    """Before a resource is deleted: checks that the host answers (leave.py)."""
    recorded: frozenset[str] = frozenset()
    """Of a host that is gone: the names of the resources in the state. No other is created for it."""
    anchor: Resource | None = None
    last: tuple[Resource, ...] = ()

    def after(self, *resources: Resource) -> "HostRef":
        """The same host, whose next layer depends on `resources`."""
        return replace(self, last=resources)

    def has(self, resource: str) -> bool:
        """Whether the site has the resource of that name: of a host that is gone, only what there is to forget."""
        return not self.gone or resource in self.recorded


def install(
    name: str,
    host: HostRef,
    layers: Sequence[str],
    *,
    parent: Resource,
    hooks: Sequence[ResourceHook] = (),
    depends_on: Sequence[Resource] = (),
) -> HostRef:
    """Installs the step library and the runner on `host`; returns the host with the anchor that its layers hang on.

    `layers` are all that the host will have, by name: prerequisites are undone after the layers that use them.
    `hooks` run before anything is sent to the host; one of them copies the library (bring.py).
    Deleting the anchor undoes all layers in one connection, newest first, and takes the runner away.
    A host that is gone and never had a runner stays without an anchor.
    """
    if not host.has(f"{name}-runner"):
        return host
    anchor = remote.Command(
        f"{name}-runner",
        connection=host.connection,
        create=f"{host.root}bash -s -- install {library.digest()} {STAGED} {shlex.join([host.name, *layers])}",
        delete=_undo(f"{host.root}bash -s -- remove", host),
        stdin=Output.all(host.owner, host.run).apply(lambda known: library.install_text(*known)),
        logging=remote.Logging.STDERR,
        add_previous_output_in_env=False,
        opts=_options(host, f"{name}-runner", "runner", parent, depends_on, hooks, None),
    )
    return replace(host, anchor=anchor, last=(anchor,))


def layer(  # noqa: PLR0913 (what is rare has a default)
    name: str,
    host: HostRef,
    layer_name: str,
    steps: Sequence[Step],
    *,
    parent: Resource,
    hooks: Sequence[ResourceHook] = (),
    depends_on: Sequence[Resource] = (),
    stdin: Input[str] | None = None,
    after: Sequence[ResourceHook] = (),
) -> remote.Command:
    """One layer of `host`: makes `steps` true, in order. `stdin` is their payload if known only during `up`;
    `hooks` run before each change of it, `after` when one was made."""
    used = {secret for step in steps for secret in step.secrets.values()}
    if used:
        stdin = _secret_payload(steps, {name: host.secret(name) for name in sorted(used)})
    elif stdin is None:
        stdin = payload(steps, {})
    return remote.Command(
        name,
        connection=host.connection,
        create=f"{host.root}{command_line(layer_name, steps)}",
        delete=_undo(f"{host.root}{RUNNER} undo {layer_name}", host),
        stdin=_owned(host, stdin),
        # Also with secrets: names of steps and seconds; what a step printed is masked by the runner (steps.sh, _mask).
        logging=remote.Logging.STDERR,
        add_previous_output_in_env=False,
        opts=_options(
            host,
            name,
            layer_name,
            parent,
            (*host.last, *depends_on),
            hooks,
            ["stdout", "stderr"] if used else None,
            last=[*([host.back(name)] if any(step.script.stem == restart.STEP for step in steps) else []), *after],
        ),
    )


def after_layer(
    host: HostRef,
    layer_name: str,
    steps: Sequence[Step],
    *,
    parent: Resource,
    depends_on: Sequence[Resource] = (),
    hooks: Sequence[ResourceHook] = (),
    after: Sequence[ResourceHook] = (),
) -> HostRef:
    """Adds a layer to `host` and returns the host to put the next one on; without steps, `host` as it was."""
    name = f"{host.name}-{layer_name}"
    if not steps or not host.has(name):
        return host
    made = layer(name, host, layer_name, steps, parent=parent, depends_on=depends_on, hooks=hooks, after=after)
    return host.after(made)


def _undo(command: str, host: HostRef) -> Output[str]:
    return host.run.apply(lambda run: f"{command} {run}".rstrip())


def _owned(host: HostRef, stdin: Input[str]) -> Output[str]:
    if isinstance(stdin, str):
        return host.owner.apply(lambda words: f"owner {words}\n{stdin}")
    return Output.concat("owner ", host.owner, "\n", stdin)


def _secret_payload(steps: Sequence[Step], values: Mapping[str, Input[str]]) -> Output[str]:
    return Output.secret(Output.all(**values).apply(lambda known: payload(steps, known)))


def _options(
    host: HostRef,
    name: str,
    layer_name: str,
    parent: Resource,
    depends_on: Sequence[Resource],
    hooks: Sequence[ResourceHook],
    secret_outputs: list[str] | None,
    *,
    last: Sequence[ResourceHook] = (),
) -> ResourceOptions:
    before, after = [host.probe(name), *hooks, host.begun(name, layer_name)], [host.ended(name), *last]
    return ResourceOptions(
        parent=parent,
        depends_on=list(depends_on),
        delete_before_replace=True,
        deleted_with=host.anchor,
        # A host that is gone is never connected to again: nothing is updated, and a delete only changes the state.
        ignore_changes=_INPUTS if host.gone else None,
        retain_on_delete=host.gone,
        hooks=ResourceHookBinding(
            before_create=list(before),
            before_update=list(before),
            after_create=list(after),
            after_update=list(after),
            before_delete=[host.leave] if host.leave else None,
        ),
        additional_secret_outputs=secret_outputs,
    )
