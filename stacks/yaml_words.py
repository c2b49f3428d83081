"""A value as YAML on one line, quoted wherever Pulumi's parser or another one could read something else."""

import json
import re
from collections.abc import Mapping
from typing import Any

_PLAIN = re.compile(r"(~/|[A-Za-z/])[\w./~@-]*|(\d+\.){3}\d+")
_WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}


def word(value: Any) -> str:  # noqa: ANN401 - any YAML
    """A map or list in braces or brackets, a number, true or false, null, or a text."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{word(key)}: {word(one)}' for key, one in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(word, value))}]"
    if value is None or isinstance(value, int | float):
        return json.dumps(value)
    text = str(value)
    return text if _PLAIN.fullmatch(text) and text.lower() not in _WORDS else json.dumps(text, ensure_ascii=False)
