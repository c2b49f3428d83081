"""How Ansible reaches a host, as the site says it. Passwords stay where they are: the site names secrets."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from ops.importing.draft import Draft, shared
from ops.importing.place import Given, Place, Variables, Vault

NAMES = {
    "ansible_host": "ansible_ssh_host",
    "ansible_user": "ansible_ssh_user",
    "ansible_port": "ansible_ssh_port",
    "ansible_password": "ansible_ssh_pass",
    "ansible_ssh_private_key_file": "ansible_private_key_file",
}
"""Variables of a login, each with its other name."""

LEFT = {
    "ansible_become": "commands go through sudo here for every user but root.",
    "ansible_become_method": "sudo is the only way here.",
    "ansible_become_user": "root is the only one here.",
    "ansible_become_pass": "sudo asks for no password here: give the user NOPASSWD in sudoers.",
    "ansible_become_password": "sudo asks for no password here: give the user NOPASSWD in sudoers.",
    "ansible_become_exe": "sudo is found by its name here.",
    "ansible_become_flags": "sudo -n is what is used here.",
    "ansible_python_interpreter": "no Python is needed on hosts here.",
    "ansible_connection": "SSH is the only way here.",
    "ansible_ssh_common_args": "options of the program ssh are not used here; a jump host is ssh.bastion.",
    "ansible_ssh_extra_args": "options of the program ssh are not used here; a jump host is ssh.bastion.",
    "ansible_ssh_executable": "the program ssh is not used here.",
    "ansible_ssh_pipelining": "it is about how Ansible connects.",
    "ansible_ssh_retries": "it is about how Ansible connects.",
    "ansible_ssh_timeout": "it is about how Ansible connects.",
    "ansible_shell_type": "Bash is the only one here.",
}
"""Variables of Ansible itself that a site has not, each with the reason."""


def one_of(variables: Variables, name: str) -> Given | None:
    """A variable of a login by either of its names."""
    return variables.get(name) or variables.get(NAMES[name])


def is_login(name: str) -> bool:
    """Whether a variable belongs to a login."""
    return name in NAMES or name in NAMES.values()


@dataclass
class Logins:
    """The logins of all hosts. Equal passwords are one secret."""

    draft: Draft
    of_hosts: dict[str, dict[str, Any]] = field(default_factory=dict)
    secrets: dict[object, str] = field(default_factory=dict)
    """Name of the secret by password; this object never leaves the import."""

    def read(self, host: str, variables: Variables, user: str | None) -> None:
        """Takes the login of one host; `user` is for those that name none."""
        own: dict[str, Any] = {}
        if found := one_of(variables, "ansible_user"):
            own["user"] = str(found.value)
            self.draft.also(found.place, ("ssh", "user"), "")
        elif user:
            own["user"] = user
        if (found := one_of(variables, "ansible_port")) and (port := self._port(found)) != 22:
            own["port"] = port
            self.draft.also(found.place, ("ssh", "port"), "")
        key, password = one_of(variables, "ansible_ssh_private_key_file"), one_of(variables, "ansible_password")
        if key:
            own["keyFile"] = self._key_file(key)
            self.draft.also(key.place, ("ssh", "keyFile"), "")
        if password and key:
            self.draft.leave(password.place, "the hosts are reached by the key file, and a site has one of both.")
        elif password:
            own["passwordSecret"] = self._secret(password, host)
            self.draft.also(
                password.place, ("ssh", "passwordSecret"), "the name of a secret; its value is yours to set."
            )
        self.of_hosts[host] = own

    def write(self, places: Mapping[str, Place], bastion: Mapping[str, Any] | None = None) -> None:
        """What all hosts share goes to the top level, the rest to each host. `bastion` is for all of them."""
        common = shared(self.of_hosts)
        if "keyFile" in common or "passwordSecret" in common or not _several(self.of_hosts.values()):
            top = common
        else:  # a host with a key and one with a password: one of both would come from above
            top = {key: one for key, one in common.items() if key not in ("keyFile", "passwordSecret")}
        place = next(iter(places.values()))
        if top or bastion:
            self.draft.site["ssh"] = top | ({"bastion": dict(bastion)} if bastion else {})
            self.draft.origins[("ssh",)] = place.named("")
        for host, own in self.of_hosts.items():
            if rest := {key: one for key, one in own.items() if top.get(key) != one}:
                self.draft.put(("hosts", host, "ssh"), rest)
                self.draft.origins["hosts", host, "ssh"] = places[host]

    def _port(self, found: Given) -> int:
        try:
            return int(str(found.value))
        except ValueError:
            self.draft.fault(found.place, "is not the number of a port, such as 22. Write one.")
            return 22

    def _key_file(self, found: Given) -> str:
        path = str(found.value)
        if not path.startswith(("/", "~/")):
            text = "does not begin with / or ~/, and Ansible looks for it where it is started. Write the whole path."
            self.draft.fault(found.place, text)
        return path

    def _secret(self, found: Given, host: str) -> str:
        closed = isinstance(found.value, Vault)
        password = "vault" if closed else ("text", str(found.value))
        number = len(self.secrets) + 1
        name = self.secrets.setdefault(password, "sshPassword" if number == 1 else f"sshPassword{number}")
        known = self.draft.secrets.get(name)
        self.draft.secrets[name] = f"{known}, {host}" if known else f"password of the login on {host}"
        return name


def _several(logins: Iterable[Mapping[str, Any]]) -> bool:
    """Whether some hosts have a key file, and others a password."""
    seen = {key for own in logins for key in own if key in ("keyFile", "passwordSecret")}
    return len(seen) > 1


def address(draft: Draft, found: Given) -> str:
    """The address of a host or a bastion, as it is written; notes a fault for what is none."""
    text = str(found.value)
    if not is_address(text):
        if text.replace(".", "").isdigit():
            said = f'"{text}" is no address: an IPv4 address has four numbers. Write all of them.'
        else:
            said = f'"{text}" is a name, and a site has addresses: getent hosts {text} shows it. Write the address.'
        draft.fault(found.place, said)
    return text


def is_address(text: str) -> bool:
    """Whether a text is an IP address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
