"""Stand-in for pulumi-command 1.2.1: remote.Command and remote.CopyToRemote, with the official rules.

Any changed input is an update (which runs `update`, else `create`), changed `triggers` replace, `delete` runs with
what the state holds. Refresh reads nothing and reports no change. Secret: `connection`, and what the program marks.
"""

import functools

from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import engine_pb2, provider_pb2

from lab.plugins import diffs
from lab.plugins.command_provider import inputs
from lab.plugins.serve import Engine, Message, PluginError, Provider, diff_response, rpc, unique
from lab.plugins.values import UNKNOWN, Properties, decode, encode, plain

COMMAND, COPY = "command:remote:Command", "command:remote:CopyToRemote"
_CHECKS = {COMMAND: inputs.command, COPY: inputs.copy}
_OUTPUTS = ("stdout", "stderr")


def _type(request: Message) -> str:
    token = str(request.urn).split("::")[2].rsplit("$", 1)[-1]
    if token not in _CHECKS:
        raise PluginError(f"unrecognized resource type: {token}")
    return token


class CommandProvider(Provider):
    """The RPCs; each gets a request and answers with its response."""

    # ruff: noqa: N802, D102 - the methods have gRPC's names, and do what those say
    version = "1.2.1"

    @rpc
    async def CheckConfig(self, request: Message) -> Message:
        return provider_pb2.CheckResponse(inputs=request.news)

    @rpc
    async def DiffConfig(self, _request: Message) -> Message:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    @rpc
    async def Configure(self, _request: Message) -> Message:
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    @rpc
    async def Check(self, request: Message) -> Message:
        checked, failures = _CHECKS[_type(request)](decode(request.news))
        return provider_pb2.CheckResponse(
            inputs=encode(checked),
            failures=[provider_pb2.CheckFailure(property=name, reason=reason) for name, reason in failures],
        )

    @rpc
    async def Diff(self, request: Message) -> Message:
        _type(request)
        return diff_response(_changed(request), {"triggers"})

    @rpc
    async def Create(self, request: Message) -> Message:
        news, name = decode(request.properties), request.urn.rsplit("::", 1)[-1]
        if _type(request) == COPY:
            if not request.preview:
                await self._copy(request, plain(news))
            object_id = "" if request.preview else unique()
            return provider_pb2.CreateResponse(id=object_id, properties=encode(news))
        if request.preview:
            outputs: Properties = dict.fromkeys(_OUTPUTS, UNKNOWN)
        else:
            outputs = await self._run(request, plain(news), plain(news).get("create"))
        return provider_pb2.CreateResponse(id=unique(name), properties=encode({**news, **outputs}))

    @rpc
    async def Update(self, request: Message) -> Message:
        olds, news = decode(request.olds), decode(request.news)
        if _type(request) == COPY:
            moved = olds.get("remotePath") != news["remotePath"]
            if not request.preview and (moved or plain(olds.get("source")) != plain(news["source"])):
                await self._copy(request, plain(news))
            return provider_pb2.UpdateResponse(properties=encode(news))
        previous = {key: plain(olds.get(key, "")) for key in _OUTPUTS}
        if request.preview:
            outputs = dict.fromkeys(_OUTPUTS, UNKNOWN) if _changed(request) else previous
        else:
            wanted = plain(news)
            command = wanted.get("update", wanted.get("create"))
            outputs = await self._run(request, {**wanted, **previous}, command)
        return provider_pb2.UpdateResponse(properties=encode({**news, **outputs}))

    @rpc
    async def Delete(self, request: Message) -> Message:
        state = plain(decode(request.properties))
        if _type(request) == COMMAND and state.get("delete") is not None:
            await self._run(request, state, state["delete"])
        return empty_pb2.Empty()

    @rpc
    async def Read(self, request: Message) -> Message:
        return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    async def _run(self, request: Message, state: Properties, command: str | None) -> Properties:
        """stdout and stderr of the command; without a command, those in the state."""
        if command is None:
            return {key: state.get(key, "") for key in _OUTPUTS}
        # Here and below: a run that reaches no host, as most do, does without asyncssh, which is half of the start.
        from lab.plugins.command_provider import connection, session  # noqa: PLC0415

        log = functools.partial(self.engine.log, request.urn)
        client = await connection.dial(state["connection"], connection.dialling(self, request))
        async with client:
            outcome = await session.run(
                client, command, state, log, functools.partial(log, severity=engine_pb2.WARNING)
            )
        return {"stdout": outcome.stdout, "stderr": outcome.stderr}

    async def _copy(self, request: Message, state: Properties) -> None:
        from lab.plugins.command_provider import connection  # noqa: PLC0415
        from lab.plugins.command_provider.copy import copy  # noqa: PLC0415

        client = await connection.dial(state["connection"], connection.dialling(self, request))
        async with client:
            await copy(client, state["source"], state["remotePath"])


def _changed(request: Message) -> dict[str, diffs.Change]:
    """What differs between the state's inputs and the new ones; a value made secret, or no longer, differs too."""
    olds = decode(struct_pb2.Struct(fields={k: v for k, v in request.olds.fields.items() if k not in _OUTPUTS}))
    return diffs.changes(olds, decode(request.news))


def make(engine: Engine) -> CommandProvider:
    """For `serve.main`."""
    return CommandProvider(engine)
