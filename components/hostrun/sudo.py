"""What sudo says when it does not run a command, and what to do about it. Nothing here connects to a host."""

from components.hostrun.target import SshError, Target

_BROKEN = (
    "must be owned by uid 0",  # its own file, or sudoers
    "effective uid is not 0",
    '"no new privileges" flag',
    "error initializing audit plugin",
    "unable to initialize policy plugin",
    "unable to initialize PAM",
    "PAM account management error",
    "PAM authentication error",
    "Account expired or PAM config lacks",
)
_TERMINAL = ("you must have a tty",)
_ASKS = ("a password is required", "a terminal is required")
_REFUSES = (
    "in the sudoers file",
    "Sorry, user",
    "may not run sudo",
    "no valid sudoers",
    "sudo: account validation",
)


def sudo_error(target: Target, status: int, stderr: str) -> SshError | None:
    """The error when sudo did not run a command that begins with `sudo -n`; None when the command ran."""
    what = _what(target.user, status, stderr.splitlines())
    return SshError(target.name, "sudo", what) if what else None


def _what(user: str, status: int, lines: list[str]) -> str:
    own = [text for text in lines if text.startswith("sudo:") and "unable to resolve host" not in text]
    rule = f"echo '{user} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/{user}"
    if status == 127 and any("sudo:" in text and "not found" in text for text in lines):
        return f"has no sudo. Fix: as root there: install the package sudo; {rule}"
    if status != 1:
        return ""
    # Its own faults first: behind them it asks for a password, too.
    if _first(own, _BROKEN):
        fix = (
            "as root there: visudo -c; ls -l /usr/bin/sudo, which needs -rwsr-xr-x root, and its file system no nosuid"
        )
        return f"{own[0][:200]}. Fix: {fix}; /etc/pam.d/sudo may refuse it, too."
    if _first(own, _TERMINAL):
        fix = f"as root there: echo 'Defaults:{user} !requiretty' >> /etc/sudoers.d/{user}"
        return f"sudo wants a terminal of {user} (requiretty). Fix: {fix}"
    if _first(own, _ASKS):
        return f"sudo asks {user} for a password. Fix: as root there: {rule}"
    refusal = _first(lines, _REFUSES)
    return f"sudo refuses {user}: {refusal[:200]}. Fix: as root there: {rule}" if refusal else ""


def _first(lines: list[str], words: tuple[str, ...]) -> str:
    """The first of the lines that contains one of the words; an empty text if no line does."""
    return next((text for text in lines if any(word in text for word in words)), "")
