"""The Pulumi program: the site of this stack, built."""
# ruff: noqa: E402 (see below)

import atexit
import gc
import signal
import sys
from pathlib import Path

import pulumi

# What the start makes is needed to the end. To look through it for garbage, again and again and once more at the end,
# would be a third of a short run.
gc.set_threshold(400_000)
atexit.register(gc.freeze)

from components.hostrun.target import SshError
from stacks.faults import SiteError
from stacks.load import site_from
from stacks.secret_names import missing
from stacks.secrets import MissingSecretError, Secrets
from stacks.site import build

# The engine interrupts the program when a resource failed: that has been said, and needs no trace of ours.
signal.signal(signal.SIGINT, lambda *_: sys.exit(130))

config = pulumi.Config()
try:
    site = site_from(config.require_object("site"), stack=pulumi.get_stack(), folder=Path.cwd())
    try:
        outputs = build(site, Secrets(config))
    except MissingSecretError as error:
        # All that lack at once: a run for each would be many.
        raise pulumi.RunError(missing(site, Path.cwd()) or str(error)) from None
except (SiteError, SshError) as error:
    raise pulumi.RunError(str(error)) from None
except OSError as error:
    text = f"{error.filename}: {error.strerror}. Nothing was sent. Fix: make it readable, or correct the site."
    raise pulumi.RunError(text) from None
for name, value in outputs.items():
    pulumi.export(name, value)
