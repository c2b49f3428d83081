"""What the API server calls the users of the site. Pure.

Rows: X14, R7.
"""

from collections.abc import Collection, Mapping

from components.kubernetes.oidc import Oidc
from components.tenancy.config import User

EMAIL = "email"
"""The claim of a token that is an email address, by OpenID Connect Core 1.0, section 5.1."""


def subjects(users: Mapping[str, User], oidc: Oidc | None, email_claims: Collection[str]) -> dict[str, str]:
    """By user; `email_claims` are those that hold an email address.

    A user's own `subject` goes first. Where tokens name people by their email, it is the email with the prefix of
    `oidc`. A user without an email, or whom tokens name otherwise, has the name in the site, as in certificates.
    """
    return {name: user.subject or _in_tokens(user, oidc, email_claims) or name for name, user in users.items()}


def _in_tokens(user: User, oidc: Oidc | None, email_claims: Collection[str]) -> str | None:
    if oidc is None or user.email is None or oidc.username_claim not in email_claims:
        return None
    return f"{oidc.username_prefix}{user.email}"
