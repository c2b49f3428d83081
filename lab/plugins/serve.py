"""What both stand-in plugins share: the gRPC server, the engine's log, errors in the form the engine reads."""

import asyncio
import contextlib
import functools
import inspect
import json
import os
import secrets
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
    status_pb2,
)

from lab.plugins import diffs
from lab.plugins.values import Properties, encode

_OPTIONS = [("grpc.max_receive_message_length", 400 << 20), ("grpc.max_send_message_length", 400 << 20)]
Message: TypeAlias = Any
"""A gRPC request, response or context: generated code has no common type."""

_THREADS = 64
"""Blocking work (Kubernetes calls, helm) waits in threads: more than any `--parallel` asks for."""


class PluginError(Exception):
    """A failed operation; the text is what the user reads."""


class InitFailedError(PluginError):
    """The object exists but did not become ready: the engine records it, with the reasons."""

    def __init__(
        self, object_id: str, properties: Properties, reasons: list[str], inputs: Properties | None = None
    ) -> None:
        super().__init__("; ".join(reasons))
        self.detail = provider_pb2.ErrorResourceInitFailed(
            id=object_id, properties=encode(properties), reasons=reasons, inputs=encode(inputs or {})
        )


class Engine:
    """The engine's log."""

    def __init__(self, address: str | None) -> None:
        self._loop = asyncio.get_running_loop()
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

        An engine that has gone away no longer reads its log: that is no failure of the operation.
        """
        if self._stub is not None:
            request = engine_pb2.LogRequest(severity=severity, urn=urn, message=message, ephemeral=passing)
            with contextlib.suppress(grpc.aio.AioRpcError):
                await self._stub.Log(request)

    def say(
        self,
        urn: str,
        message: str,
        *,
        severity: engine_pb2.LogSeverity.ValueType = engine_pb2.INFO,
        passing: bool = False,
    ) -> None:
        """`log`, from a thread."""
        asyncio.run_coroutine_threadsafe(
            self.log(urn, message, severity=severity, passing=passing), self._loop
        ).result()


def rpc(method: Callable[..., Any]) -> Callable[..., Any]:
    """An RPC handler from `method(self, request)`: a plain function runs in a thread; errors become text."""

    @functools.wraps(method)
    async def handle(self: "Provider", request: Message, context: Message) -> Message:
        try:
            if inspect.iscoroutinefunction(method):
                return await method(self, request)
            return await asyncio.to_thread(method, self, request)
        except InitFailedError as error:
            status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
            status.details.add().Pack(error.detail)
            context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
            await context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except PluginError as error:
            await context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except NotImplementedError as error:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, str(error))
        except Exception as error:  # a bug must reach the user as an error, not as a lost connection
            traceback.print_exc()
            await context.abort(grpc.StatusCode.UNKNOWN, f"{type(error).__name__}: {error}")

    return handle


class Provider(ResourceProviderServicer):
    """The RPCs that are the same in both plugins."""

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


def diff_response(found: dict[str, diffs.Change], replaces: set[str], *, before: bool = False) -> Message:
    """A DiffResponse: `replaces` are top-level names or whole paths whose change replaces; `before` deletes first."""
    kinds = provider_pb2.PropertyDiff.Kind
    detailed = {
        path: provider_pb2.PropertyDiff(
            kind=kinds.Value(f"{change.upper()}{'_REPLACE' if {path, diffs.top(path)} & replaces else ''}")
        )
        for path, change in found.items()
    }
    replaced = [path for path in found if {path, diffs.top(path)} & replaces]
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE,
        diffs=sorted({diffs.top(path) for path in found}),
        replaces=sorted({diffs.top(path) for path in replaced}),
        detailedDiff=detailed,
        hasDetailedDiff=True,
        deleteBeforeReplace=before and bool(replaced),
    )


def unique(prefix: str = "") -> str:
    """`prefix` and eight random hex digits, as official providers name things."""
    return f"{prefix}{secrets.token_hex(4)}"


def quoted(text: str) -> str:
    """Go's %q, near enough: what the official plugins put around a command in an error."""
    return json.dumps(text, ensure_ascii=False)


async def _serve(make: Callable[[Engine], Provider], parent: int) -> None:

    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS))
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
