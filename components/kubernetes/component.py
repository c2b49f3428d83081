"""A kubeadm cluster: the node layer on each host, then its membership, seen and set from a control plane."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import pulumi
import pulumi_kubernetes as k8s
from pulumi import (
    ComponentResource,
    Input,
    Output,
    Resource,
    ResourceOptions,
)
from pulumi_command import remote

from components.host.config import Host
from components.hostrun.hook import Hook
from components.hostrun.layer import HostRef, layer
from components.hostrun.ssh import Target
from components.hostrun.step import Step, payload
from components.kubernetes import kubeconfig as kubeconfigs
from components.kubernetes import webhook
from components.kubernetes.encrypted import Encrypted
from components.kubernetes.handle import ClusterRef
from components.kubernetes.steps import begins, group, joined, members
from components.kubernetes.ticket import give_ticket
from components.kubernetes.turn import Turns

Plan = Callable[[Host], Mapping[str, Sequence[Step]]]
"""The steps of a host's layer `node`, and of those before and after it."""


class Cluster(ComponentResource):
    """The node layer of each host, the membership of their nodes in a fixed number of groups, and the kubeconfig.

    The first control plane is initialised; the others join by a ticket that a hook fetches at the moment of the
    join. The layers of the groups run on a control plane: a step that leaves one of them, or that is of a host that is
    gone, takes the node out of the cluster, also when the node itself is dead.
    """

    ref: ClusterRef

    def __init__(  # noqa: PLR0913 (each is another room's)
        self,
        name: str,
        hosts: Mapping[str, Host],
        *,
        planes: Sequence[Host],
        refs: Mapping[str, HostRef],
        targets: Mapping[str, Target],
        layers: Plan,
        drained: Mapping[str, Sequence[str]],
        turns: Turns,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("gpu-metal:kubernetes:Cluster", name, {}, opts)
        home, self._drained, self._turns = planes[0].name, drained, turns
        controls = [host for host in hosts.values() if "control-plane" in host.roles]
        encrypted = Encrypted({host.name: layers(host) for host in controls}, home, self)
        nodes = self._nodes(hosts, planes, encrypted.known(refs), targets, lambda host: layers(host)["node"])
        done = {n: refs[n].after(nodes[n]) if n in nodes else refs[n] for n in refs}
        done = encrypted.used(done, [nodes[plane.name] for plane in planes])
        members = self._members(name, hosts, done[home], nodes)
        probe = refs[home].probe(f"{name}-kubeconfig")
        kubeconfig = remote.Command(
            f"{name}-kubeconfig",
            connection=refs[home].connection,
            create=f"{refs[home].root}cat /etc/kubernetes/admin.conf",
            logging=remote.Logging.NONE,
            add_previous_output_in_env=False,
            opts=ResourceOptions(
                parent=self,
                depends_on=[nodes[home]],
                deleted_with=refs[home].anchor,
                hooks=kubeconfigs.hooks(f"{name}-kubeconfig", probe, targets[home]),
                additional_secret_outputs=["stdout", "stderr"],
            ),
        )
        asked = [targets[plane.name] for plane in planes]
        self.ref = replace(self._handle(name, Output.secret(kubeconfig.stdout), members, refs[home], asked), hosts=refs)
        self.register_outputs({})

    def _nodes(
        self,
        hosts: Mapping[str, Host],
        planes: Sequence[Host],
        refs: Mapping[str, HostRef],
        targets: Mapping[str, Target],
        node: Callable[[Host], Sequence[Step]],
    ) -> dict[str, remote.Command]:
        """Control planes one after the other, as etcd takes one new member at a time; then the rest, all at once.

        In an upgrade, control planes that are members go before new ones, which join with the new version. A worker
        waits for the one before it, so that the engine itself ends the upgrade where one fails.
        """
        asked, ticket = [targets[plane.name] for plane in planes], Hook("ticket")
        turn = self._turns.hooks(asked, {node: f"{node}-node" for node in self._turns.nodes})
        done: dict[str, remote.Command] = {}

        def member(host: Host, before: Sequence[Resource], *, begins: bool = False) -> None:
            n, role = host.name, "control-plane" in host.roles
            give = partial(give_ticket, asked, targets[n], control_plane=role, begins=begins)
            own = turn.get(n)
            done[n] = layer(
                f"{n}-node",
                refs[n],
                "node",
                node(host),
                parent=self,
                hooks=[ticket.on(f"{n}-node", give), *(own[:1] if own else ())],
                after=own[1:] if own else (),
                depends_on=before,
            )

        for plane in sorted(planes, key=lambda plane: bool(turn) and plane.name not in turn):
            member(plane, list(done.values())[-1:], begins=begins(plane, planes))
        last = list(done.values())[-1]
        for n in sorted(hosts, key=lambda n: n in turn and self._turns.nodes.index(n)):
            if n not in done and refs[n].has(f"{n}-node"):
                former = self._turns.waits_for(n)
                member(hosts[n], [last, *([done[former]] if former in done else [])])
        return done

    def _members(
        self, name: str, hosts: Mapping[str, Host], home: HostRef, nodes: Mapping[str, remote.Command]
    ) -> tuple[Resource, ...]:
        """Group after group, as they all run on one host. A resource for each node would hang on all before it."""
        groups: dict[int, list[Host]] = {}
        for n, host in hosts.items():
            groups.setdefault(group(n), []).append(host)
        done = home.last
        for number, of in sorted(groups.items()):
            steps = members(of, self._drained, self._turns.rolling, self._turns.gpus)
            layer_name = f"members-{number:02}"
            told: dict[str, Input[str]] = {host.name: "" for host in of}
            told |= {host.name: nodes[host.name].stdout for host in of if host.name in nodes}
            done = (
                layer(
                    f"{name}-{layer_name}",
                    home.after(*home.last, *done),
                    layer_name,
                    steps,
                    parent=self,
                    depends_on=[nodes[host.name] for host in of if host.name in nodes],
                    stdin=_joined(
                        steps, {host.name: nodes[host.name].stdout if host.name in nodes else "" for host in of}
                    ),
                ),
            )
        return done

    def _handle(
        self,
        name: str,
        kubeconfig: Output[str],
        members: tuple[Resource, ...],
        home: HostRef,
        planes: Sequence[Target],
    ) -> ClusterRef:
        assert home.anchor is not None  # noqa: S101 - every HostRef that reaches a room has been installed
        provider = k8s.Provider(
            f"{name}-api",
            kubeconfig=kubeconfig,
            # Without it a changed kubeconfig would replace everything in the cluster.
            cluster_identifier=name,
            kube_client_settings={"timeout": 30},
            # With a state that was lost, what stands in the cluster is taken over (gR14).
            upsert_existing_objects=True,
            # Else a changed ConfigMap or Secret is deleted and made anew, and is away for a moment.
            enable_config_map_mutable=True,
            enable_secret_mutable=True,
            opts=ResourceOptions(parent=self, deleted_with=home.anchor),
        )
        refused = webhook.hook(planes, pulumi.log.error)
        return ClusterRef(provider, kubeconfig, members, home.anchor, planes, Hook("release"), refused)


def _joined(steps: Sequence[Step], told: Mapping[str, Input[str]]) -> Output[str]:
    """What the nodes' layers told, as payload: the lines of the diff stay readable when a preview cannot know it."""
    return Output.all(**told).apply(
        lambda texts: payload([joined(step, texts[step.label] or "") for step in steps], {})
    )
