"""JSON Schema of the whole stack file, for editors and CI: `python -m stacks.schema > site.schema.json`.

It accepts more than the loader where levels merge: a host may leave out what its group has, and names may be ranges.

Rows: X17.
"""

import json
import sys
from typing import Any

from stacks.around import SITE
from stacks.model import site_model

_GIVEN = ("name", "project", "knownHosts")
"""Keys that the loader fills in."""
_PARTIAL = ("Bastion", "Gpu", "Host")
"""Models that one level may fill in partly."""


def stack_file() -> dict[str, Any]:
    """The schema of Pulumi.<stack>.yaml."""
    site = site_model().model_json_schema()
    models = site.pop("$defs")
    for name in _PARTIAL:
        models[name].pop("required", None)
    site["required"] = [key for key in site["required"] if key not in _GIVEN]
    del site["properties"]["name"], site["properties"]["project"], models["Host"]["properties"]["name"]
    models["Host"]["properties"]["address"] = {
        "type": "string",
        "description": "10.0.0.21, or for a range 10.0.0.[21-24].",
    }
    secret = {"type": "object", "required": ["secure"], "properties": {"secure": {"type": "string"}}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A stack file of gpu-metal",
        "type": "object",
        "required": ["config"],
        "properties": {
            "config": {
                "type": "object",
                "required": [SITE],
                "properties": {SITE: {"$ref": "#/$defs/Site"}},
                "patternProperties": {f"^{SITE.partition(':')[0]}:(?!site$)": secret},
            }
        },
        "$defs": {**models, "Site": site},
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(stack_file(), indent=2, ensure_ascii=False) + "\n")
