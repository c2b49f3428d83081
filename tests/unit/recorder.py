"""Runs a Pulumi program on mocks and keeps its plan: types, names, parents, dependencies, inputs and which were secret.

Does not prove: what the engine does with the plan (order, diff, aliases), or what a provider does with the inputs.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import json_format
from pulumi.runtime import mocks, settings
from pulumi.runtime.stack import run_pulumi_func

from stacks import state

Known = Mapping[str, Mapping[str, Any]] | Collection[str]
"""Resources in the stack's state by name, with their outputs where they matter."""

SECRET = "4dabf18193072939515e22adb298388d"


@dataclass(frozen=True)
class Registered:
    """One resource as it was registered."""

    type: str
    name: str
    parent: str
    inputs: Mapping[str, Any]
    secret: frozenset[str]
    depends_on: tuple[str, ...]
    options: Mapping[str, Any]


@dataclass
class Plan:
    """All resources of one run, by URN."""

    resources: dict[str, Registered] = field(default_factory=dict)

    def one(self, name: str) -> Registered:
        """The one resource of that name."""
        found = [r for r in self.resources.values() if r.name == name]
        assert len(found) == 1, f"{name}: {len(found)} of {[r.name for r in self.resources.values()]}"
        return found[0]

    def of(self, kind: str) -> list[Registered]:
        """The resources of that type, by name."""
        return sorted((r for r in self.resources.values() if r.type == kind), key=lambda r: r.name)

    def behind(self, name: str) -> set[str]:
        """All that a resource waits for, directly or not."""
        by_name = {each.name: each for each in self.resources.values()}
        found: set[str] = set()
        left = [name]
        while left:
            for other in by_name[left.pop()].depends_on:
                if other not in found and other in by_name:
                    found.add(other)
                    left.append(other)
        return found


class _Recorder(mocks.MockMonitor):
    def __init__(self, plan: Plan, outputs: Mapping[str, Mapping[str, Any]], recorded: Known | None) -> None:
        super().__init__(_Echo(outputs, recorded))
        self.plan = plan

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the interface's name
        if request.type != "pulumi:pulumi:Stack":
            urn = self.make_urn(request.parent, request.type, request.name)
            assert urn not in self.plan.resources, f"{urn} is registered twice"
            inputs, secret = _plain(json_format.MessageToDict(request.object))
            self.plan.resources[urn] = Registered(
                type=request.type,
                name=request.name,
                parent=request.parent.rpartition("::")[2],
                inputs=inputs,
                secret=frozenset(secret),
                depends_on=tuple(sorted(d.rpartition("::")[2] for d in request.dependencies)),
                options={
                    "delete_before_replace": request.deleteBeforeReplace,
                    "deleted_with": request.deletedWith.rpartition("::")[2],
                    "retain_on_delete": request.retainOnDelete,
                    "ignore_changes": tuple(request.ignoreChanges),
                    "replace_on_changes": tuple(request.replaceOnChanges),
                    "outputs_of": {
                        key: tuple(urn.rpartition("::")[2] for urn in value.urns)
                        for key, value in request.propertyDependencies.items()
                        if value.urns
                    },
                    "secret_outputs": tuple(request.additionalSecretOutputs),
                    "hooks": tuple(request.hooks.before_create),
                    "after": tuple(request.hooks.after_create),
                    "before_delete": tuple(request.hooks.before_delete),
                    "provider": request.provider.rpartition("::")[0].rpartition("::")[2],
                },
            )
        return super().RegisterResource(request)  # type: ignore[no-untyped-call] # the SDK's own


class _Echo(mocks.Mocks):
    def __init__(self, outputs: Mapping[str, Mapping[str, Any]], recorded: Known | None) -> None:
        self.outputs = outputs
        self.recorded: Known = recorded or ()

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        stashed = {"output": args.inputs["input"]} if args.typ == "pulumi:index:Stash" else {}
        return f"{args.name}-id", {**args.inputs, **stashed, **self.outputs.get(args.name, {})}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        if args.token == state.ASKS:
            known = self.recorded if isinstance(self.recorded, Mapping) else {name: {} for name in self.recorded}
            # As the engine answers (3.220): by URN, the resource's type beside its outputs.
            every = {
                f"urn:pulumi:test::gpu-metal::type::{n}": {"type": "type", "outputs": {**of}} for n, of in known.items()
            }
            return {"outputs": every}, []
        raise AssertionError(f"the program calls {args.token}: a plan asks nobody")


def record(
    program: Callable[[], None],
    outputs: Mapping[str, Mapping[str, Any]] | None = None,
    recorded: Known | None = None,
) -> Plan:
    """The plan of `program`; `outputs` gives named resources outputs beside their inputs.

    `recorded` has the names of the resources in the state, for a program that may ask for them.
    """
    plan = Plan()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    settings.reset_options()
    try:
        monitor = _Recorder(plan, outputs or {}, recorded)
        mocks.set_mocks(monitor.mocks, project="gpu-metal", stack="test", preview=False, monitor=monitor)

        async def run() -> None:
            program()

        loop.run_until_complete(run_pulumi_func(run))
    finally:
        settings.reset_options()
        loop.close()
    return plan


def _plain(value: Any, path: str = "") -> tuple[Any, set[str]]:
    """The value with secrets unwrapped, and the paths of the secrets."""
    if isinstance(value, dict):
        if value.get(SECRET) == "1b47061264138c4ac30d75fd1eb44270":
            return value["value"], {path}
        pairs = {k: _plain(v, f"{path}.{k}".lstrip(".")) for k, v in value.items()}
        return {k: v for k, (v, _) in pairs.items()}, set().union(*(s for _, s in pairs.values()), set())
    if isinstance(value, list):
        items = [_plain(v, f"{path}[{i}]") for i, v in enumerate(value)]
        return [v for v, _ in items], set().union(*(s for _, s in items), set())
    if isinstance(value, float) and value.is_integer():
        return int(value), set()
    return value, set()
