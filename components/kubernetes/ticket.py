"""A ticket: what a host needs to join, made when it is needed, by any control plane that answers.

Its values go from the control plane's stdout to the joining host's stdin: into no command line, log, state or
exception.

Rows: K5.
"""

from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from components.hostrun import ssh
from components.hostrun.step import RUNNER, content
from components.hostrun.target import Target
from components.kubernetes.plane import DEADLINE, ask

SCRIPT = Path(__file__).with_name("ticket.sh")
_NEEDS_ONE = """
if [[ ! -e /etc/kubernetes/kubelet.conf || -e /etc/kubernetes/gpu-metal/begun ]]; then exit 0; fi
pem=/var/lib/kubelet/pki/kubelet-client-current.pem
if ! command -v openssl >/dev/null || [[ ! -s $pem ]]; then exit 1; fi
if ! openssl x509 -in $pem -noout -checkend 0 >/dev/null; then exit 3; fi
exit 1
"""
_PUT = f"{{ cat; printf 'BROUGHT %s\\n' \"$(cut -d . -f 1 /proc/uptime)\"; }} | {RUNNER} put ticket"
"""With the seconds since the host's boot: its clock may be set before the ticket is used."""
_ENDED = 3
"""Its status on a member whose kubelet cannot sign in any more."""
_MINUTES = {"ended": 5}
"""How long a ticket is good for, by role; 15 for others. Who only signs in by it uses it at once."""


class NoTicketError(Exception):
    """No control plane made a ticket. str() is `host [ticket] …`, with each one's reason."""


async def give_ticket(
    control_planes: Sequence[Target],
    joining: Target,
    *,
    control_plane: bool,
    begins: bool = False,
) -> None:
    """Puts a ticket on `joining`, or only has it admitted again when it is a member. A host that was
    taken out of the cluster is no member any more, and gets a ticket, too; so does a worker whose kubelet's certificate
    has ended.

    `control_planes` are asked in turn, itself left out. With `begins`, it is the host that begins the cluster: then no
    ticket is needed when every other says that it is in none. Two control planes must not be given theirs at the same
    time: kubeadm lends its certificates under one key.
    Raises NoTicketError, or SshError when `joining` itself does not answer.
    """
    stands = (await _as_root(joining, _NEEDS_ONE)).status
    member = stands != 0
    role = "control-plane" if control_plane else "worker"
    if member:
        role = "control-plane-member" if control_plane else "ended" if stands == _ENDED else "member"
    command = f"bash -s -- {quote(joining.name)} {quote(joining.address)} {role} {_MINUTES.get(role, 15)}"
    reasons: list[str] = []
    for other in control_planes:
        if other.name == joining.name:
            continue
        ticket, reason = await ask(other, command, content(SCRIPT))
        if ticket:
            await _put(joining, ticket)
            return
        if member and not reason:
            return
        if reason:
            reasons.append(f"{other.name}: {reason}")
        elif not begins:
            reasons.append(f"{other.name}: is a member of no cluster")
    # A member goes on without: what it then lacks, its own step says.
    if not member and (reasons or not begins):
        raise NoTicketError(_no_ticket(joining.name, reasons))


async def _put(joining: Target, ticket: str) -> None:
    result = await _as_root(joining, _PUT, stdin=ticket.encode())
    if result.status != 0:
        raise NoTicketError(f"{joining.name} [ticket] it was made, but not taken: {result.stderr.strip()[-500:]}")


async def _as_root(target: Target, command: str, *, stdin: bytes = b"") -> ssh.Result:
    return await ssh.run(target, f"bash -c {quote(command)}", stdin=stdin, deadline=DEADLINE)


def _no_ticket(joining: str, reasons: Sequence[str]) -> str:
    seen = "; ".join(reasons) or "the site has no other control plane"
    return (
        f"{joining} [ticket] no control plane made a ticket to join with. {seen}. Nothing was changed. "
        "Fix: bring one of them back, then pulumi up"
    )
