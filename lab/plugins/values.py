"""Property values as the engine sends them: protobuf Structs with secrets, unknowns and assets marked by signature."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from google.protobuf.struct_pb2 import Struct, Value

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a type mark of Pulumi's wire format
_ASSET = "c44067f5952c0a294b673a41bacd8c17"
_ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

Tree: TypeAlias = Any
"""A decoded value: dict, list, str, bool, int, float, None, Secret, Unknown, Asset."""

Properties = dict[str, Any]
"""Values by name."""


@dataclass(frozen=True)
class Secret:
    """A value that the engine encrypts; its repr hides it."""

    value: Any

    def __repr__(self) -> str:
        return "Secret(…)"


class Unknown:
    """The one value UNKNOWN: not known before `up`."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown()


@dataclass(frozen=True, eq=False)
class Asset:
    """An asset or archive, as sent: `fields` has hash and one of path, text, uri, assets. Equal when the hash is."""

    archive: bool
    fields: Mapping[str, Any]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Asset) and self.archive == other.archive and self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)

    @property
    def hash(self) -> str:
        """The engine's SHA-256 of the content."""
        return str(self.fields.get("hash", ""))


def decode(struct: Struct) -> Properties:
    """A Struct as Python values; whole numbers become int."""
    return {key: _decode(value) for key, value in struct.fields.items()}


def _decode(value: Value) -> Tree:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value == _UNKNOWN else value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [_decode(item) for item in value.list_value.values]
    if kind == "struct_value":
        return _signed(decode(value.struct_value))
    return None


def _signed(fields: Properties) -> Tree:
    signature = fields.get(_SIGNATURE)
    if signature == _SECRET:
        return Secret(fields["value"])
    if signature in (_ASSET, _ARCHIVE):
        return Asset(signature == _ARCHIVE, {k: v for k, v in fields.items() if k != _SIGNATURE})
    return fields


def encode(properties: Mapping[str, Any]) -> Struct:
    """Python values as a Struct, with the marks put back."""
    return Struct(fields={key: _encode(value) for key, value in properties.items()})


def _encode(value: Tree) -> Value:
    if value is UNKNOWN:
        return Value(string_value=_UNKNOWN)
    if isinstance(value, Secret):
        return _marked(_SECRET, {"value": value.value})
    if isinstance(value, Asset):
        return _marked(_ARCHIVE if value.archive else _ASSET, value.fields)
    if isinstance(value, Mapping):
        return Value(struct_value=encode(value))
    if isinstance(value, list | tuple):
        result = Value()
        result.list_value.values.extend(_encode(item) for item in value)
        return result
    return _scalar(value)


def _scalar(value: Tree) -> Value:
    if value is None:
        return Value(null_value=0)
    if isinstance(value, bool):
        return Value(bool_value=value)
    if isinstance(value, int | float):
        return Value(number_value=value)
    return Value(string_value=str(value))


def _marked(signature: str, fields: Mapping[str, Any]) -> Value:
    return Value(struct_value=encode({_SIGNATURE: signature, **fields}))


def plain(value: Tree) -> Tree:
    """The value with every secret unwrapped."""
    if isinstance(value, Secret):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value
