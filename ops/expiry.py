"""Whether certificates and keys in files that the site names are still valid: checks of `sitectl verify`.

Rows: M3.
"""

from collections.abc import Iterator

from components.hostrun.report import Check
from stacks.checks_files import FEW_DAYS, endings, expiry
from stacks.model import Site


def checks(site: Site) -> Iterator[Check]:
    """One for each file that ends some day, under the name of the site: `pulumi up` brings the same file everywhere."""
    for key, (path, ending) in endings(site).items():
        text = expiry(path, ending)
        if ending.days >= FEW_DAYS:
            yield Check(f"file/{key}", site.name, "ok", text)
        else:
            fix = f"put a new one into {key}, then pulumi up"
            yield Check(f"file/{key}", site.name, "failed" if ending.days < 0 else "note", text, fix=fix)
