"""Calls a provider's RPC handlers in this process, as the engine would."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pulumi.runtime.proto import provider_pb2

from lab.plugins.serve import Engine, Provider
from lab.plugins.values import Properties, decode, encode


class AbortedError(Exception):
    """The RPC ended with an error; its text."""


class Context:
    """What a handler is given beside its request."""

    async def abort(self, _code: Any, message: str) -> None:
        raise AbortedError(message)


class RecordingEngine(Engine):
    """Keeps the messages that the user would see."""

    def __init__(self) -> None:
        super().__init__(None)
        self.lines: list[str] = []
        self.passing: list[str] = []

    async def log(self, urn: str, message: str, *, severity: int = 1, passing: bool = False) -> None:  # noqa: ARG002
        (self.passing if passing else self.lines).append(message)


@dataclass
class Driver:
    """One provider and the loop it lives in; property maps go in and come out decoded."""

    runner: asyncio.Runner
    provider: Provider
    engine: RecordingEngine
    token: str = ""
    name: str = "thing"
    ids: dict[str, str] = field(default_factory=dict)

    @classmethod
    def start(cls, runner: asyncio.Runner, make: Callable[[Engine], Provider], token: str = "") -> "Driver":
        async def begin() -> "Driver":
            engine = RecordingEngine()
            return cls(runner, make(engine), engine, token)

        return runner.run(begin())

    @property
    def urn(self) -> str:
        return f"urn:pulumi:dev::test::{self.token}::{self.name}"

    def call(self, rpc: str, request: Any, within: float | None = None) -> Any:
        async def work() -> Any:
            async with asyncio.timeout(within):
                return await getattr(self.provider, rpc)(request, Context())

        return self.runner.run(work())

    def together(self, rpc: str, requests: list[Any]) -> None:
        """Many requests at the same time."""

        async def work() -> None:
            await asyncio.gather(*(getattr(self.provider, rpc)(request, Context()) for request in requests))

        self.runner.run(work())

    @staticmethod
    def encoded(properties: Properties) -> Any:
        return encode(properties)

    def check(self, news: Properties, olds: Properties | None = None) -> tuple[Properties, list[tuple[str, str]]]:
        request = provider_pb2.CheckRequest(
            urn=self.urn, news=encode(news), olds=encode(olds or {}), randomSeed=b"seed" * 8
        )
        answer = self.call("Check", request)
        return decode(answer.inputs), [(failure.property, failure.reason) for failure in answer.failures]

    def checked(self, news: Properties, olds: Properties | None = None) -> Properties:
        inputs, failures = self.check(news, olds)
        assert failures == []
        return inputs

    def diff(
        self, olds: Properties, news: Properties, old_inputs: Properties | None = None, object_id: str = ""
    ) -> Any:
        request = provider_pb2.DiffRequest(
            id=object_id, urn=self.urn, olds=encode(olds), news=encode(news), old_inputs=encode(old_inputs or {})
        )
        return self.call("Diff", request)

    def create(self, news: Properties, *, preview: bool = False, timeout: float = 0) -> tuple[str, Properties]:
        request = provider_pb2.CreateRequest(urn=self.urn, properties=encode(news), preview=preview, timeout=timeout)
        answer = self.call("Create", request)
        return answer.id, decode(answer.properties)

    def update(
        self,
        olds: Properties,
        news: Properties,
        *,
        object_id: str = "id",
        old_inputs: Properties | None = None,
        preview: bool = False,
        timeout: float = 0,
    ) -> Properties:
        request = provider_pb2.UpdateRequest(
            id=object_id, urn=self.urn, olds=encode(olds), news=encode(news), old_inputs=encode(old_inputs or {}),
            preview=preview, timeout=timeout,
        )  # fmt: skip
        return decode(self.call("Update", request).properties)

    def delete(self, state: Properties, object_id: str = "id", timeout: float = 0) -> None:
        request = provider_pb2.DeleteRequest(id=object_id, urn=self.urn, properties=encode(state), timeout=timeout)
        self.call("Delete", request)

    def read(
        self, object_id: str, state: Properties | None = None, inputs: Properties | None = None
    ) -> tuple[str, Properties, Properties]:
        request = provider_pb2.ReadRequest(
            id=object_id, urn=self.urn, properties=encode(state or {}), inputs=encode(inputs or {})
        )
        answer = self.call("Read", request)
        return answer.id, decode(answer.properties), decode(answer.inputs)
