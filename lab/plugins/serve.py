"""The base of the lab's plugins: the gRPC server, the engine's log, errors in the form the engine reads."""

import asyncio
import contextlib
import functools
import json
import os
import secrets
import sys
import traceback
from collections.abc import Callable
from typing import Any, TypeAlias

import grpc
import grpc.aio
from google.protobuf import empty_pb2
from pulumi.runtime.proto import (
    ResourceProviderServicer,
    engine_pb2,
    engine_pb2_grpc,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
)

from lab.plugins import diffs

_OPTIONS = [("grpc.max_receive_message_length", 400 << 20), ("grpc.max_send_message_length", 400 << 20)]
Message: TypeAlias = Any
"""A gRPC request, response or context: generated code has no common type."""


class PluginError(Exception):
    """A failed operation; the text is what the user reads."""


class Engine:
    """The engine's log."""

    def __init__(self, address: str | None) -> None:
        self._stub = engine_pb2_grpc.EngineStub(grpc.aio.insecure_channel(address, _OPTIONS)) if address else None

    async def log(
        self,
        urn: str,
        message: str,
        *,
        severity: engine_pb2.LogSeverity.ValueType = engine_pb2.INFO,
        passing: bool = False,
    ) -> None:
        """One message beside a resource; `passing` shows only while the operation runs.

        An engine that has gone away no longer reads its log: that does not fail the operation.
        """
        if self._stub is not None:
            request = engine_pb2.LogRequest(severity=severity, urn=urn, message=message, ephemeral=passing)
            with contextlib.suppress(grpc.aio.AioRpcError):
                await self._stub.Log(request)


def rpc(method: Callable[..., Any]) -> Callable[..., Any]:
    """An RPC handler from `method(self, request)`: errors become text."""

    @functools.wraps(method)
    async def handle(self: "Provider", request: Message, context: Message) -> Message:
        try:
            return await method(self, request)
        except PluginError as error:
            await context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except Exception as error:  # a bug must reach the user as an error, not as a lost connection
            traceback.print_exc()
            await context.abort(grpc.StatusCode.UNKNOWN, f"{type(error).__name__}: {error}")

    return handle


class Provider(ResourceProviderServicer):
    """The RPCs that are the same in every plugin."""

    version = "0.0.0"

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.cancelled = asyncio.Event()

    @rpc
    async def Handshake(self, _request: Message) -> Message:  # noqa: N802, D102 - gRPC's names
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    @rpc
    async def GetPluginInfo(self, _request: Message) -> Message:  # noqa: N802, D102
        return plugin_pb2.PluginInfo(version=self.version)

    @rpc
    async def Cancel(self, _request: Message) -> Message:  # noqa: N802, D102
        self.cancelled.set()
        return empty_pb2.Empty()


def diff_response(found: dict[str, diffs.Change], replaces: set[str]) -> Message:
    """A DiffResponse: `replaces` are names of inputs whose change replaces."""
    kinds = provider_pb2.PropertyDiff.Kind
    detailed = {
        path: provider_pb2.PropertyDiff(
            kind=kinds.Value(f"{change.upper()}{'_REPLACE' if diffs.top(path) in replaces else ''}")
        )
        for path, change in found.items()
    }
    replaced = [path for path in found if diffs.top(path) in replaces]
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE,
        diffs=sorted({diffs.top(path) for path in found}),
        replaces=sorted({diffs.top(path) for path in replaced}),
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )


def unique(prefix: str = "") -> str:
    """`prefix` and eight random hex digits, as official providers name things."""
    return f"{prefix}{secrets.token_hex(4)}"


def quoted(text: str) -> str:
    """Go's %q, near enough: what the official plugins put around a command in an error."""
    return json.dumps(text, ensure_ascii=False)


async def _serve(make: Callable[[Engine], Provider], parent: int) -> None:
    server = grpc.aio.server(options=_OPTIONS)
    port = server.add_insecure_port("127.0.0.1:0")
    provider = make(Engine(sys.argv[1] if len(sys.argv) > 1 else None))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while os.getppid() == parent:  # an engine that was killed closes nothing: do not outlive it
        await asyncio.sleep(1)
    os._exit(0)


def main(make: Callable[[Engine], Provider]) -> None:
    """Serve until the engine ends the process or is gone itself."""
    asyncio.run(_serve(make, os.getppid()))
