"""The strict base of every config model, and the types that rooms share.

A model refuses unknown keys, is frozen, is written in camelCase in the site file and snake_case in Python,
and never shows an input value in an error (it could be a secret).
"""

import os
import re
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetJsonSchemaHandler,
    ValidationInfo,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from components.described import texts
from components.forms import form
from components.rule import Rule
from components.shown import quoted


class Model(BaseModel):
    """Base of all config: strict keys, frozen, camelCase outside."""

    model_config = ConfigDict(
        # Built when first used: most sites use few of the models.
        defer_build=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        alias_generator=to_camel,
        validate_by_name=False,
        validate_by_alias=True,
        validate_default=True,
    )

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Its JSON Schema, in which each key is described by the text below its attribute."""
        schema = handler(core_schema)
        keys = handler.resolve_ref_schema(schema).get("properties", {})
        for name, text in texts(cls).items():
            if key := keys.get(cls.model_fields[name].alias):
                key.setdefault("description", text)
        return schema


_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def _rfc1123(name: str) -> str:
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise ValueError(
            "is not a host name. Use lower-case letters, digits and '-', 1 to 63 in each part, 253 in all (RFC 1123)."
        )
    return name


def _label_name(name: str) -> str:
    if not _LABEL.fullmatch(name):
        raise ValueError("is not a name. Use lower-case letters, digits and '-', 1 to 63 of them (RFC 1123 label).")
    return name


def _quoted(value: object) -> object:
    if isinstance(value, bool | int | float):
        raise ValueError(f'is read as the number {value}. Quote it, for example "1.34.2".')
    return value


def _version(value: str) -> str:
    if not re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", value):
        raise ValueError('is not an exact version. Write all three parts, quoted, for example "1.34.2".')
    return value


def _expanded(path: Path, info: ValidationInfo) -> Path:
    return expanded(path, (info.context or {}).get("folder", Path()))


def expanded(path: Path, folder: Path) -> Path:
    """The path with `~` and `${VAR}` replaced, a relative one from `folder`. Raises ValueError: unset variable, or a
    text that no file can have as its name, such as a pasted key."""
    # The limits of Linux: 4096 bytes, 255 between two slashes.
    if re.search(r"[\x00-\x1f]|[^/]{256}", str(path)) or len(str(path).encode()) > 4000:
        raise ValueError("is not the path of a file. Write the path, not what is in the file.")

    def variable(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise ValueError(f"names the variable {match[1]}, which is not set. Set it, or write the path out.")
        return os.environ[match[1]]

    try:
        return folder / Path(re.sub(r"\$\{(\w+)\}", variable, str(path))).expanduser()
    except RuntimeError:
        raise ValueError("begins with a ~ whose home folder is not known. Write the path out.") from None


def kind_or(default: str) -> Discriminator:
    """Tells the members of a union apart by their `kind`; without one it is `default`."""

    def kind(value: object) -> object:
        return value.get("kind", default) if isinstance(value, dict) else getattr(value, "kind", None)

    return Discriminator(kind)


HostName = Annotated[str, AfterValidator(_rfc1123)]
"""RFC 1123: labels of 1–63, 253 in all."""

LabelName = Annotated[str, AfterValidator(_label_name)]
"""One RFC 1123 label: a namespace, a project, a group."""

Port = Annotated[int, Field(ge=1, le=65535)]

Version = Annotated[str, BeforeValidator(_quoted), AfterValidator(_version)]
"""Exact and quoted: YAML reads 1.30 as the number 1.3."""

SecretName = Annotated[str, form(r"^[a-zA-Z][a-zA-Z0-9]*$", "is not the name of a secret: letters and digits.")]
"""The name of a secret key `gpu-metal:<name>` of the stack, never its value."""

_UNITS = {
    "m": 1e-3,
    **{unit: 1000.0**power for power, unit in enumerate(("", "k", "M", "G", "T"))},
    **{unit: 1024.0**power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti"), 1)},
}


def amount(text: str) -> float:
    """The number of a quantity; Ki and the like as powers of 1024."""
    number = text.rstrip("".join(_UNITS))
    return float(number) * _UNITS[text.removeprefix(number)]


def _not_memory(text: str) -> str | None:
    if amount(text) >= 1024**2:
        return None
    likely = f"{text}Gi" if text.isdigit() and int(text) else "64Gi"
    said = f"{quoted(text)} is {amount(text):g} bytes, in which no program runs"
    return f'{said}. Write a unit, for example "{likely}".'


def _not_storage(text: str) -> str | None:
    if amount(text) >= 1024**2:
        return None
    said = f"{quoted(text)} is {amount(text):g} bytes, in which no volume fits"
    return f'{said}. Write a unit, for example "{text if text.isdigit() and int(text) else 500}Gi".'


def _not_cpus(text: str) -> str | None:
    if amount(text) < 10**6:
        return None
    number = text.rstrip("".join(_UNITS))
    return f'{quoted(text)} is {amount(text):.0f} CPUs. Write their number without a unit, for example "{number}".'


def _not_a_day(text: str) -> str | None:
    try:
        date.fromisoformat(text)
    except ValueError:
        return f'{quoted(text)} is no day of the calendar. Write one that there is, such as "2026-11-30".'
    return None


Day = Annotated[
    str,
    form(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", 'is not a day: write it quoted, such as "2026-11-30", year first.'),
    Rule(_not_a_day),
]
"""A day of the calendar."""
SiteId = Annotated[
    str,
    form(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$", "is not the id of a site: 1 to 63 letters, digits, '.', '_' and '-'."),
]

Quantity = Annotated[
    str,
    form(
        r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$", 'is not a quantity. Write a text such as "2", "500m" or "8Gi".'
    ),
]
"""A Kubernetes quantity, quoted: "2", "500m", "8Gi"."""
Memory = Annotated[Quantity, Rule(_not_memory)]
"""A quantity of memory: without a unit, bytes."""
Storage = Annotated[Quantity, Rule(_not_storage)]
"""A quantity of storage: without a unit, bytes."""
Cpus = Annotated[Quantity, Rule(_not_cpus)]
"""A quantity of CPUs."""

Word = Annotated[
    str, form(r"^[A-Za-z0-9][A-Za-z0-9._-]*$", "is not a name: one word of letters, digits, '.', '_' and '-'.")
]

Line = Annotated[
    str,
    form(
        r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?$",
        "is not a text on one line, without blanks around it.",
    ),
]

Sha256 = Annotated[str, form(r"^[0-9a-f]{64}$", "is not a SHA-256 sum: 64 digits 0-9 a-f, as sha256sum FILE shows.")]

LocalPath = Annotated[Path, AfterValidator(_expanded)]
"""A file on the operator's machine: `~` and `${VAR}` are replaced, a relative path starts at the site file's folder."""
