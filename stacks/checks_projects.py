"""Rules for users and projects (rows X14, S4, S6). Pure functions; each problem names the key and the fix."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace

from components.host.config import Host
from components.kubernetes.config import not_images
from components.matrix import numbers
from components.network.config import by_flannel
from components.problem import Key, Problem
from components.tenancy.images import SINCE
from stacks.ground import belongs, email_claims, ground
from stacks.messages import suggestion
from stacks.model import Site


def users(site: Site) -> Iterator[Problem]:
    """No two users are the same person: to the API server, by number, or by home."""
    called = ground(site).subjects
    for field in ("subject", "uid", "home"):
        first: dict[object, str] = {}
        for name, user in site.users.items():
            value = {"subject": called[name], "uid": user.uid, "home": user.home or f"/home/{name}"}[field]
            if value is not None and (other := first.setdefault(value, name)) != name:
                by_email = field == "subject" and not user.subject and value != name
                own: Key = ("email",) if by_email else (field,) if getattr(user, field) else ()
                yield Problem(("users", name, *own), f"{value} is also the {field} of {other}. Give each user its own.")


def accounts(site: Site) -> Iterator[Problem]:
    """On front ends each user has an account of its own, with one number on all hosts."""
    front = [host for host in site.active if host.front_end]
    taken = {account.uid for host in site.active for account in host.accounts.values()}
    taken |= {user.uid for user in site.users.values()}
    # Above all others: a number between them may have been that of somebody who left, to whom files still belong.
    highest = max((number for number in taken if number and 20000 <= number < 60000), default=20000)
    free = (number for number in (*range(highest + 1, 60001), *range(20001, highest)) if number not in taken)
    for name, user in site.users.items():
        if front and user.uid is None:
            text = f"has no uid, and {front[0].name} is a front end. Write uid: {next(free)}, or another free number."
            yield Problem(("users", name), text)
        if at := next((host.name for host in front if host.ssh.user == name), None):
            yield Problem(("users", name), f"is the user that the site logs in as on {at}. Use another name.")
        for host in site.active:
            number = account.uid if (account := host.accounts.get(name)) else None
            if None not in (number, user.uid) and number != user.uid:
                text = f"{number} is not the number of the user {name}, which is {user.uid}. Take it away."
                yield Problem(("hosts", host.name, "accounts", name, "uid"), text)


def projects(site: Site) -> Iterator[Problem]:
    """Projects have a cluster, and a namespace that Kubernetes does not use itself."""
    if site.projects and site.kubernetes is None:
        yield Problem(("projects",), "need Kubernetes. Write kubernetes: {}.")
    for name in site.projects:
        if name == "default" or name.startswith("kube-"):
            yield Problem(("projects", name), "is a namespace of Kubernetes itself. Use another name.")


def registries(site: Site) -> Iterator[Problem]:
    """The API server can refuse images, and there are projects in which it does."""
    key, oldest = ("allowedRegistries",), ".".join(map(str, SINCE))
    if site.allowed_registries and not site.projects and not belongs(site):
        yield Problem(key, "is about pods in projects, and the site has none. Write projects, or take it away.")
    elif site.allowed_registries and site.kubernetes and numbers(site.kubernetes.version) < SINCE:
        text = f"needs Kubernetes {oldest} or later, and the site has {site.kubernetes.version}."
        yield Problem(key, f"{text} Take it away, or upgrade.")
    for index, each in enumerate(site.allowed_registries):
        first = each.partition("/")[0]
        if not not_images(each) and not {".", ":"} & {*first} and first != "localhost":
            text = f"{each} is no registry: without '.' or a port, the first word of an image is a folder of docker.io."
            yield Problem((*key, index), f"{text} Write docker.io/{each}, or HOST:PORT.")


def members(site: Site) -> Iterator[Problem]:
    """Each member of a project is a user of the site, once."""
    for name, project in site.projects.items():
        for index, member in enumerate(project.members):
            if member not in site.users:
                hint = suggestion(member, site.users) or f"Write users: {{{member}: {{}}}}, or take it out."
                yield Problem(("projects", name, "members", index), f"{member} is not one of users. {hint}")
            elif member in project.members[:index]:
                yield Problem(("projects", name, "members", index), f"{member} is named twice. Take one out.")


def _gpus(site: Site, hosts: Mapping[str, Host]) -> int:
    """How many GPUs pods can have: as a part divides and shares them, else as the hosts have them. If a part offers
    several kinds, those of the most frequent one."""
    known, kinds = replace(ground(site), hosts=hosts), Counter[str]()
    for entry in site.entries:
        for resources in entry.part.cluster.offers(entry.config, known).values() if entry.part.cluster else ():
            kinds.update(resources)
    return max(kinds.values(), default=0) or sum(host.gpu.count for host in hosts.values() if host.gpu)


def promised(site: Site) -> Iterator[Problem]:
    """Nobody is promised more GPUs than there are for pods, by the site or by a part. Several may share them: that is
    a note.

    Hosts that are gone count too: a quota must not keep anyone from taking a dead host out.
    """
    hosts = {name: host.model_copy(update={"state": "active"}) for name, host in site.hosts.items()}
    gpus = _gpus(site, hosts)
    for name, project in site.projects.items():
        yield from _above(("projects", name, "gpus"), project.gpus, gpus)
    known = ground(site)
    for entry in site.entries:
        for key, count in entry.part.cluster.promises(entry.config, known) if entry.part.cluster else ():
            yield from _above((*entry.key, *key), count, gpus)


def _above(key: Key, count: int, gpus: int) -> Iterator[Problem]:
    if 0 < gpus < count:
        yield Problem(key, f"{count} is more than all hosts offer, which is {gpus}. Write {gpus} at most.")


def _enforced(site: Site) -> bool:
    """Whether NetworkPolicies hold: by a part, or by the agent that flannel's chart may bring."""
    return by_flannel(site.network.pods) or any("network-policies" in entry.given for entry in site.entries)


CHECKS: tuple[Callable[[Site], Iterator[Problem]], ...] = (users, accounts, projects, registries, members, promised)


def notes(site: Site) -> Iterator[str]:
    """Remarks about users and projects that are allowed."""
    if site.projects and not _enforced(site):
        yield (
            "projects: each has a NetworkPolicy that lets in its own pods only, and nothing enforces it: pods of one "
            "project can reach another's. Write network: {policies: {}}, or policies: {kind: external} if others do."
        )
    gpus = _gpus(site, {host.name: host for host in site.active})
    promised = sum(project.gpus for project in site.projects.values())
    if promised > gpus:
        yield f"projects: quotas promise {promised} GPUs, the hosts offer {gpus}."
    at_work = {member for project in site.projects.values() for member in project.members}
    if idle := sorted(site.users.keys() - at_work):
        some, them = ("is", "it") if len(idle) == 1 else ("are", "them")
        text = f"users: {', '.join(idle)} {some} in no project, so nothing in the cluster opens to {them}."
        yield f"{text} Write {them} into projects.NAME.members, or take {them} out of users."
    yield from _other_names(site, at_work)


def _other_names(site: Site, members: Collection[str]) -> Iterator[str]:
    """Members whom the API server calls by another name when they sign in: their projects stay closed to them."""
    oidc = site.kubernetes.oidc if site.kubernetes else None
    if oidc is None:
        return
    prefix, by_email = oidc.username_prefix, oidc.username_claim in email_claims(site)
    called = {name: subject for name, subject in ground(site).subjects.items() if name in members}
    says = f"kubernetes.oidc: the API server calls people who sign in {prefix}X, where X is their"
    opens = "so that signing in opens no project to them"
    users = site.users
    without = [name for name in called if by_email and not (users[name].subject or users[name].email)]
    if without:
        text = f"{says} email. {', '.join(without)} {'has' if len(without) == 1 else 'have'} none, {opens}."
        yield f"{text} Write users.NAME.email, as the provider has it."
    if others := [name for name in called if not called[name].startswith(prefix) and name not in without]:
        text = f"{says} {oidc.username_claim}. {', '.join(others)} {'has' if len(others) == 1 else 'have'} no such name"
        yield f'{text}, {opens}. Write users.NAME.subject: "{prefix}X".'
