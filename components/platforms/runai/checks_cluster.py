"""What must hold of the cluster in which Run:ai runs: nodes, GPU Operator, sign-in. Pure."""

from collections.abc import Callable, Iterator

from components.gpu.pods import named
from components.parts.gpu_operator.config import GpuOperator
from components.parts.part import Ground
from components.parts.storage.config import Csi, Storage, Subdir
from components.parts.storage.sizes import size
from components.platforms.runai import nodes, places, values, versions
from components.platforms.runai.config import Runai
from components.problem import Problem
from components.tenancy.subjects import EMAIL


def words(config: Runai, ground: Ground) -> Iterator[Problem]:
    """Each word of `nodes` is a node of the cluster that can do what its role says."""
    of = config.nodes
    for key, each in (("system", of.system), ("gpuWorker", of.gpu_worker), ("cpuWorker", of.cpu_worker)):
        for index, word in enumerate(each):
            if not (found := named([word], ground.hosts)):
                yield Problem(("nodes", key, index), f"{word} is neither a host nor a group with hosts. Write one.")
            elif out := [name for name in found if not ground.hosts[name].roles]:
                yield Problem(("nodes", key, index), f"{out[0]} is not in the cluster. Take it out, or give it roles.")
    for name in nodes.system(config, ground.hosts):
        if "control-plane" in ground.hosts[name].roles:
            text = f"{name} is a control plane, whose port 443 Run:ai needs for itself. Write another node."
            yield Problem(("nodes", "system"), text)


def roles(config: Runai, ground: Ground) -> Iterator[Problem]:
    """Roles do not contradict each other."""
    if config.nodes.all and config.nodes.gpu_worker:
        yield Problem(("nodes", "all"), "is another way to say gpuWorker. Take one of both away.")
    for name in nodes.gpu_workers(config, ground.hosts):
        if not ground.hosts[name].gpu and not config.nodes.all:
            text = f"{name} has no GPUs. Write its gpu, or make it a cpuWorker."
            yield Problem(("nodes", "gpuWorker"), text)
    workers = nodes.restricted(config) and not nodes.gpu_workers(config, ground.hosts)
    if workers and any(each.gpus for each in ground.projects.values()):
        text = "has no host, while cpuWorker is set: then no node runs workloads with GPUs. Write gpuWorker too."
        yield Problem(("nodes", "gpuWorker"), text)


def operator(_: Runai, ground: Ground) -> Iterator[Problem]:
    """GPUs come by NVIDIA's operator, in whose namespace Run:ai looks for measurements."""
    of = ground.config(GpuOperator)
    if of is None:
        if "gpu-pods" in ground.provides:
            text = (
                "needs NVIDIA's GPU Operator, and the site has devicePlugin alone. Write gpuOperator: {} in its place."
            )
            yield Problem((), text)
        return
    if not of.dcgm.enabled:
        text = "is off, and Run:ai shows what it measures. Take it away."
        yield Problem(("gpuOperator", "dcgm", "enabled"), text, elsewhere=True)
    if of.dra:
        text = "has pods claim GPUs in another way than Run:ai's scheduler. Take it away."
        yield Problem(("gpuOperator", "dra"), text, elsewhere=True)


def fractions(config: Runai, ground: Ground) -> Iterator[Problem]:
    """From 3.0 on, fractions need a new operator, and a new driver that is named."""
    of = ground.config(GpuOperator)
    if not config.scheduling.fractions or of is None or not versions.at_least(config.version, versions.FRACTIONS):
        return
    key, rule = ("scheduling", "fractions"), f"of Run:ai {versions.line(config.version)} need"
    if _numbers(of.version) < _numbers(versions.FRACTIONS_OPERATOR):
        text = f"{rule} GPU Operator {versions.FRACTIONS_OPERATOR} or later, and gpuOperator.version is {of.version}."
        yield Problem(key, f'{text} Write gpuOperator: {{version: "v{versions.FRACTIONS_OPERATOR}"}}, or false here.')
    if of.nri:
        yield Problem(key, f"{rule} gpuOperator.nri: false. Take nri away there, or write false here.")
    for name in nodes.gpu_workers(config, ground.hosts) or [n for n, host in ground.hosts.items() if host.gpu]:
        if seen := _old_driver(name, of, ground):
            text = f"{rule} driver {versions.FRACTIONS_DRIVER} or later, named as such, and {name} has {seen}."
            yield Problem(key, f"{text} Name one, or write false here.")
    for name, pool in of.pools.items():
        if pool.mig:
            text = f"are not for nodes whose GPUs are divided by MIG, as gpuOperator.pools.{name} does. Take one away."
            yield Problem(key, text)


def _old_driver(name: str, of: GpuOperator, ground: Ground) -> str | None:
    """The driver of a host, if it is too old for fractions or not named."""
    gpu = ground.hosts[name].gpu
    if gpu is None or ground.hosts[name].state == "gone":
        return None
    if gpu.driver == "operator":
        version = of.driver.version if of.driver else None
        if version is None:
            return "what the operator has by default"
        return version if int(version.partition(".")[0]) < versions.FRACTIONS_DRIVER else None
    if gpu.installed is None:
        return None
    return gpu.installed.branch if int(gpu.installed.branch) < versions.FRACTIONS_DRIVER else None


def volumes(config: Runai, ground: Ground) -> Iterator[Problem]:
    """The class of the control plane's volumes is there, and its share has room for them."""
    of = ground.config(Storage)
    name, its = _class(config, of)
    if config.storage_class and of and its is None:
        text = f"{config.storage_class} is not one of storage.classes. Write one of them, or take it away."
        yield Problem(("storageClass",), text)
    share = (of.nfs or of.server) if of and isinstance(its, Csi | Subdir) else None
    if share and share.capacity and size(share.capacity) < versions.VOLUMES_GB * 10**9:
        key = ("storage", "nfs" if of and of.nfs else "server", "capacity")
        text = f"{share.capacity} is too little for the volumes of Run:ai in class {name}, {versions.VOLUMES_GB} GB."
        yield Problem(key, f'{text} Write "120Gi" or more.', elsewhere=True)


def _class(config: Runai, of: Storage | None) -> tuple[str, object]:
    """The class that Run:ai's volumes are of, by name; None where it is not one of the site's."""
    classes = of.classes.items() if of else ()
    own = config.storage_class
    return next(((name, each) for name, each in classes if name == own or (own is None and each.default)), ("", None))


_CLAIMS = ("sub", "email")
"""Claims of Run:ai's tokens that hold the name to which it gives roles: `sub` by the arguments that its documentation
has, `email` too by those that it has for single sign-on."""


def sign_in(config: Runai, ground: Ground) -> Iterator[Problem]:
    """Where the API server takes tokens from Run:ai, it takes them as Run:ai gives them."""
    of = ground.kubernetes.oidc if ground.kubernetes else None
    own = places.issuer(config, ground)
    host = f"https://{places.domain(config, ground)}/"
    if of is None or not of.issuer.startswith(host):
        return
    key = ("kubernetes", "oidc")
    wanted = {
        "issuer": (of.issuer, own),
        "client": (of.client, places.CLIENT_ID),
        "usernameClaim": (of.username_claim, of.username_claim if of.username_claim in _CLAIMS else _CLAIMS[0]),
        "usernamePrefix": (of.username_prefix, ""),
        "groupsPrefix": (of.groups_prefix if of.groups_claim else "", ""),
    }
    for name, (seen, right) in wanted.items():
        if seen != right:
            text = f'"{seen}" is not what Run:ai uses, so that nobody could sign in. Write {name}: "{right}".'
            yield Problem((*key, name), text, elsewhere=True)
    if config.authority and of.ca_file is None:
        text = "is missing, and Run:ai's certificate is signed by your own authority. Write here the file of authority."
        yield Problem((*key, "caFile"), text, elsewhere=True)


def _sign_in_notes(config: Runai, ground: Ground) -> Iterator[Problem]:
    of, key = ground.kubernetes.oidc if ground.kubernetes else None, ("kubernetes", "oidc")
    if of is None:
        text = "is not set, so that kubectl of researchers asks for no login of Run:ai. To have it, write kubernetes:"
        yield Problem(key, f"{text} {{{sign_in_text(config, ground)}}}.", elsewhere=True)
    elif of.issuer.startswith(f"https://{places.domain(config, ground)}/"):
        return
    elif (of.username_claim, of.username_prefix) != (EMAIL, ""):
        text = f"signs people in by {of.issuer}, not by Run:ai, which gives roles in the cluster to emails."
        fix = f'Write usernameClaim: {EMAIL} and usernamePrefix: "", so that people are called so.'
        yield Problem(key, f"{text} {fix}", elsewhere=True)


def sign_in_text(config: Runai, ground: Ground) -> str:
    """What to write so that researchers sign in to the API server as in Run:ai."""
    file = f", caFile: FOLDER/{config.authority.name}" if config.authority else ""
    return f'oidc: {{issuer: "{places.issuer(config, ground)}", client: {places.CLIENT_ID}, usernamePrefix: ""{file}}}'


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.removeprefix("v").split(".")))


CLUSTER: tuple[Callable[[Runai, Ground], Iterator[Problem]], ...] = (
    words,
    roles,
    operator,
    fractions,
    volumes,
    sign_in,
)


def cluster_notes(config: Runai, ground: Ground) -> Iterator[Problem]:
    """What is allowed of the cluster and yet worth a line."""
    if not config.nodes.system:
        text = "is empty: Run:ai's own pods run on any node, GPU nodes among them. Two nodes or more keep it up."
        yield Problem(("nodes", "system"), text)
    elif len(nodes.system(config, ground.hosts)) == 1:
        text = f"has {nodes.system(config, ground.hosts)[0]} alone: while it is down, so is Run:ai."
        yield Problem(("nodes", "system"), text)
    if nodes.restricted(config):
        own = {*nodes.gpu_workers(config, ground.hosts), *nodes.cpu_workers(config, ground.hosts)}
        workers = [name for name, host in ground.hosts.items() if "worker" in host.roles and host.state != "gone"]
        if idle := [name for name in workers if name not in {*own, *nodes.system(config, ground.hosts)}]:
            yield Problem(("nodes",), f"{', '.join(idle)}: with no role, so that Run:ai starts no workload there.")
    if not values.own_database(config):
        text = "has a database of your own: no upgrade saves it. Save it yourself before you write another version."
        yield Problem(("controlPlane", "values"), text)
    yield from _sign_in_notes(config, ground)
    if config.inference:
        known = versions.KNATIVE.get(versions.line(config.version))
        text = f"is names and certificate alone: Knative Serving{f' {known}' if known else ''} serves the models, and"
        yield Problem(("inference",), f"{text} others install it. sitectl verify does not ask for it.")
    if versions.at_least(config.version, "3.0"):
        text = "which Kubernetes 3.0 is tested with is not known here: compare with its support matrix."
        yield Problem(("version",), text)
