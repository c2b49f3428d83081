"""Stand-in for pulumi-kubernetes 4.34.2: objects of any kind, Patch resources and Helm releases.

It has no functions (Chart, ConfigFile, kustomize): design.md uses typed resources and releases only.
"""

import functools

from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, provider_pb2

from lab.plugins.kubernetes_provider import config, messages, reading
from lab.plugins.kubernetes_provider.cluster import ApiError, Cluster, UnreachableError
from lab.plugins.kubernetes_provider.release import TOKEN as RELEASE
from lab.plugins.kubernetes_provider.release import Releases
from lab.plugins.kubernetes_provider.resources import Operation, Resources
from lab.plugins.serve import Engine, Message, PluginError, Provider, diff_response, rpc
from lab.plugins.values import Properties, decode, encode, plain


class KubernetesProvider(Provider):
    """The RPCs; each gets a request and answers with its response. They block, so each runs in a thread."""

    # ruff: noqa: N802, D102 - the methods have gRPC's names, and do what those say
    version = "4.34.2"
    _resources: Resources
    _releases: Releases

    @rpc
    def CheckConfig(self, request: Message) -> Message:
        failures = config.check(plain(decode(request.news)), request.urn)
        return provider_pb2.CheckResponse(inputs=request.news, failures=_failures(failures))

    @rpc
    def DiffConfig(self, request: Message) -> Message:
        differing, replacing = config.changed(plain(decode(request.olds)), plain(decode(request.news)))
        changes = provider_pb2.DiffResponse.DIFF_SOME if differing else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=changes, diffs=sorted(differing), replaces=sorted(replacing))

    @rpc
    def Configure(self, request: Message) -> Message:
        settings = config.settings(request.variables)
        try:
            self._resources = Resources(settings, Cluster(settings))
        except (UnreachableError, ApiError) as error:
            self._resources = Resources(settings, None, str(error))
        self._releases = Releases(self._resources)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    @rpc
    def Check(self, request: Message) -> Message:
        operation, olds, news = self._operation(request), decode(request.olds), decode(request.news)
        if self._resources.cluster is None and self._resources.settings.skip_update_unreachable:
            self._warn(request, "Cluster is unreachable but skipUpdateUnreachable flag is set to true, skipping...")
            return provider_pb2.CheckResponse(inputs=request.olds)
        if operation.token == RELEASE:
            checked, failures = self._releases.check(operation, olds, news)
            return provider_pb2.CheckResponse(inputs=encode(checked), failures=_failures(failures))
        checked = self._resources.check(operation, olds, news, request.randomSeed)
        return provider_pb2.CheckResponse(inputs=encode(checked))

    @rpc
    def Diff(self, request: Message) -> Message:
        operation, olds, news = self._operation(request), decode(request.olds), decode(request.news)
        if operation.token == RELEASE:
            return diff_response(self._releases.diff(olds, news), {"name", "namespace"})
        found, replaces, first = self._resources.diff(operation, olds, news)
        return diff_response(found, replaces, before=first)

    @rpc
    def Create(self, request: Message) -> Message:
        operation, news = self._operation(request), decode(request.properties)
        if operation.token == RELEASE:
            object_id, state = self._releases.create(news, preview=request.preview)
        else:
            object_id, state = self._resources.create(operation, news, preview=request.preview)
        return provider_pb2.CreateResponse(id=object_id, properties=encode(state))

    @rpc
    def Update(self, request: Message) -> Message:
        operation, olds, news = self._operation(request), decode(request.olds), decode(request.news)
        if operation.token == RELEASE:
            state = self._releases.update(news, preview=request.preview)
        else:
            state = self._resources.update(operation, olds, news, preview=request.preview)
        return provider_pb2.UpdateResponse(properties=encode(state))

    @rpc
    def Delete(self, request: Message) -> Message:
        operation, state = self._operation(request), decode(request.properties)
        if operation.token == RELEASE:
            self._releases.delete(state)
        else:
            self._resources.delete(operation, state)
        return empty_pb2.Empty()

    @rpc
    def Read(self, request: Message) -> Message:
        operation, state, inputs = self._operation(request), decode(request.properties), decode(request.inputs)
        cluster, settings = self._resources.cluster, self._resources.settings
        if cluster is None:
            self._warn(request, f"configured Kubernetes cluster is unreachable: {self._resources.unreachable}")
            if settings.delete_unreachable:
                return provider_pb2.ReadResponse()
            if not settings.skip_update_unreachable:
                raise PluginError(messages.CANNOT_READ)
            found: tuple[str, Properties, Properties] = request.id, state, inputs
        elif operation.token == RELEASE:
            found = self._releases.read(request.id, state, inputs)
        else:
            found = reading.read(operation, cluster, request.id, state, inputs)
        object_id, state, inputs = found
        return provider_pb2.ReadResponse(id=object_id, properties=encode(state), inputs=encode(inputs))

    @rpc
    def Cancel(self, _request: Message) -> Message:
        self.cancelled.set()
        if hasattr(self, "_releases"):
            self._releases.helm.cancel()
        return empty_pb2.Empty()

    def _operation(self, request: Message) -> Operation:
        say = functools.partial(self.engine.say, request.urn, passing=True)
        return Operation(request.urn, getattr(request, "timeout", 0.0), say, self.cancelled.is_set)

    def _warn(self, request: Message, message: str) -> None:
        self.engine.say(request.urn, message, severity=engine_pb2.WARNING)


def _failures(failures: list[tuple[str, str]]) -> list[Message]:
    return [provider_pb2.CheckFailure(property=name, reason=reason) for name, reason in failures]


def make(engine: Engine) -> KubernetesProvider:
    """For `serve.main`."""
    return KubernetesProvider(engine)
