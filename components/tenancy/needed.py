"""What users need of the rooms below on each host. Pure.

Rows: X14, S6.
"""

from collections.abc import Mapping

from components.host.config import Host
from components.host.machine import Account, Person
from components.host.reserved import not_free
from components.tenancy.config import User


def prepare(host: Host, users: Mapping[str, User]) -> Host:
    """A front end with the users' accounts, which the site's own `accounts` of the same names override key by key.

    Not of users whom checks refuse: with a reserved name, no number or another one's, or the site's login user.
    """
    if not host.front_end:
        return host
    numbers: dict[int, str] = {}
    for name, user in users.items():
        if user.uid is not None and name != host.ssh.user and not not_free(name):
            numbers.setdefault(user.uid, name)
    made = {name: _account(users[name], number, host.accounts.get(name)) for number, name in numbers.items()}
    return host.model_copy(update={"accounts": {**host.accounts, **made}})


def _account(user: User, number: int, own: Account | None) -> Account:
    wanted = {"uid": number, "keys": user.keys, "home": user.home}
    if own is None:
        return Person(**wanted)
    return own.model_copy(update={key: value for key, value in wanted.items() if key not in own.model_fields_set})
