"""Name servers that do not answer, as a host asks them and as CoreDNS' pods on it do: a check of `sitectl verify`.

Rows: N8, H15, M3.
"""

from pathlib import Path

from components.host.config import Host
from components.hostrun.report import Check
from components.hostrun.ssh import Result
from ops.record import MEND

SECTION = "name_servers"
ASK = f"(\n{Path(__file__).with_name('name_servers.sh').read_text()})"
"""What the host runs; it takes 4 s where a server is silent."""
_ID = "name-servers"


def check(host: Host, answer: Result) -> Check:
    """Which are silent. Where the site names no servers for the host, that is only worth a line."""
    rows = [line.split() for line in answer.stdout.splitlines() if line.strip()]
    if answer.status or any(len(row) != 3 for row in rows):
        return Check(_ID, host.name, "unknown", "could not be asked.", fix="repeat; then there: cat /etc/resolv.conf")
    own = [server for at, server, _ in rows if at == "host"]
    silent = [server for at, server, word in rows if (at, word) == ("host", "silent")]
    in_pods = [server for at, server, word in rows if (at, word) == ("pods", "silent")]
    former = [server for server in in_pods if server not in own]
    open_port = f"let UDP port 53 to {' and '.join(silent or in_pods)} through"
    if not own:
        return _found(host, "has no name server.", "write dns.servers into the site, then pulumi up")
    if silent:
        also = " Pods of CoreDNS here wait for it, too." if set(silent) & set(in_pods) else ""
        fix = f"start it, or {open_port}; else write another one in dns.servers, then pulumi up"
        return _found(host, f"gets no answer from name server {' and '.join(silent)}.{also}", fix)
    if former:
        saw = f"has CoreDNS, which gets no answer from name server {' and '.join(former)}."
        return _found(host, f"{saw} The host asks {', '.join(own)}.", MEND)
    if in_pods:
        saw = f"gets an answer from name server {' and '.join(in_pods)}, and pods of CoreDNS here get none."
        return _found(host, saw, f"{open_port}, from the pods' addresses, too")
    return Check(_ID, host.name, "ok", f"{', '.join(own)} answer{'s' if len(own) == 1 else ''}")


def _found(host: Host, saw: str, fix: str) -> Check:
    return Check(_ID, host.name, "failed" if host.dns else "note", saw, fix=fix)
