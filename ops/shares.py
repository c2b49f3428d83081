"""`sitectl user add --share`: the entry that lets a user into Samba shares of the site.

Rows: N3, N6.
"""

import re
from collections.abc import Collection, Sequence
from itertools import chain, count

from components.parts.samba.config import Samba
from ops.site_draft import NOTHING, Draft
from ops.stop import Code, Stop
from stacks.model import Site
from stacks.secret_names import secret_names


def enter(site: Site, draft: Draft, user: str, shares: Sequence[str]) -> str:
    """Adds the user to these shares. Returns the command that sets the user's password; "" if the site names one.

    Raises Stop for shares that the site does not have, and when the user enters all of them already.
    """
    samba = next((entry.config for entry in site.entries if isinstance(entry.config, Samba)), None)
    if samba is None:
        text = f"--share {shares[0]}: the site has no Samba shares. {NOTHING}"
        raise Stop(Code.WRONG, [f"{text} Fix: sitectl explain samba"])
    for share in shares:
        if share not in samba.shares:
            text = f"--share {share}: the site has no such share. There are: {', '.join(samba.shares)}. {NOTHING}"
            raise Stop(Code.WRONG, [f"{text} Fix: sitectl explain samba.shares"])
    is_new = user not in samba.users
    listed = [share for share in dict.fromkeys(shares) if samba.shares[share].users is not None]
    missing = [share for share in listed if user not in (samba.shares[share].users or ())]
    if not is_new and not missing:
        raise Stop(Code.WRONG, [f"{user} may enter {', '.join(dict.fromkeys(shares))} already. {NOTHING}"])
    for share in missing:
        draft.append(("samba", "shares", share, "users"), user)
    if not is_new:
        return ""
    secret = secret_of(user, secret_names(site))
    draft.put(("samba", "users", user), {"passwordSecret": secret})
    return f"pulumi config set --secret {secret} --stack {site.name}   # asks for the password of {user} for the shares"


def secret_of(user: str, taken: Collection[str]) -> str:
    """The name of the secret with the user's password: anaMariaShares for ana-maria, with a number if it is taken."""
    first, *others = re.split(r"-+", user)
    name = f"{first}{''.join(word.title() for word in others)}Shares"
    return next(each for each in chain([name], (f"{name}{n}" for n in count(2))) if each not in taken)
