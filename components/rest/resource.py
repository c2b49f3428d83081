"""APIs and their objects as Pulumi resources."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pulumi import Input, Output, ProviderResource, Resource, ResourceOptions
from pulumi.dynamic import Resource as Dynamic

from components.rest.access import SECRET, Access
from components.rest.kind import Kind
from components.rest.provider import Provider


@dataclass(frozen=True)
class Api:
    """An API: the provider resource that all its objects use, and the resource with which they go."""

    provider: ProviderResource
    username: str
    password: Output[str]
    anchor: Resource | None

    @classmethod
    def of(
        cls, name: str, access: Access, password: Input[str], *, parent: Resource, anchor: Resource | None = None
    ) -> "Api":
        """Makes the provider resource. Under another name, it would replace every object.

        `anchor`: when this resource is deleted, its objects go with it, and nothing is asked of the API.
        """
        known: Output[str] = Output.secret(password)
        inputs = {**access.public(), SECRET: known.apply(access.secret)}
        opts = ResourceOptions(parent=parent)
        return cls(ProviderResource("pulumi-python", name, inputs, opts), access.username, known, anchor)


class Object(Dynamic, module="rest", name="Object"):
    """An object behind an API. Subclasses name their kind and type their arguments."""

    def __init__(
        self,
        name: str,
        api: Api,
        kind: type[Kind[Any]],
        want: Mapping[str, Input[Any]],
        *,
        parent: Resource,
        after: Sequence[Resource] = (),
        secret: Mapping[str, Input[Any]] | None = None,
    ) -> None:
        props: dict[str, Any] = {"kind": f"{kind.__module__}:{kind.__name__}", "want": _known(want)}
        props |= dict.fromkeys(kind.outputs)
        if secret is not None:
            props["private"] = Output.secret(dict(secret))
        opts = ResourceOptions(
            parent=parent,
            provider=api.provider,
            depends_on=list(after),
            deleted_with=api.anchor,
            additional_secret_outputs=sorted(kind.secrets),
        )
        super().__init__(Provider(), name, props, opts)

    @property
    def uid(self) -> Output[str]:
        """The API's id of it. A preview knows it also where the object is to be changed, unlike an output."""
        return self.id


def _known(want: Mapping[str, Input[Any]]) -> dict[str, Input[Any]]:
    return {key: value for key, value in want.items() if value is not None}
