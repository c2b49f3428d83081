"""What the components of Kubernetes let a site set: names, values that switch protection off, keys with another place.

The names were read from the programs of version 1.34.2. They skip an unknown field of a file without a word, and do
not start with an unknown argument. Their description: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/,
https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/,
https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/.
"""

from collections.abc import Callable, Mapping
from typing import Any

from components.kubernetes.api_server import FALSE

KNOWN_MINOR = 34
"""The minor version whose names these are."""

_KUBELET = """
    address allowedUnsafeSysctls authentication.anonymous.enabled authentication.webhook.cacheTTL
    authentication.webhook.enabled authentication.x509.clientCAFile authorization.mode
    authorization.webhook.cacheAuthorizedTTL authorization.webhook.cacheUnauthorizedTTL cgroupDriver cgroupRoot
    cgroupsPerQOS clusterDNS clusterDomain configMapAndSecretChangeDetectionStrategy containerLogMaxFiles
    containerLogMaxSize containerLogMaxWorkers containerLogMonitorInterval containerRuntimeEndpoint contentType
    cpuCFSQuota cpuCFSQuotaPeriod cpuManagerPolicy cpuManagerPolicyOptions cpuManagerReconcilePeriod
    crashLoopBackOff.maxContainerRestartPeriod enableContentionProfiling enableControllerAttachDetach
    enableDebugFlagsHandler enableDebuggingHandlers enableProfilingHandler enableServer enableSystemLogHandler
    enableSystemLogQuery enforceNodeAllocatable eventBurst eventRecordQPS evictionHard evictionMaxPodGracePeriod
    evictionMinimumReclaim evictionPressureTransitionPeriod evictionSoft evictionSoftGracePeriod failCgroupV1
    failSwapOn featureGates fileCheckFrequency hairpinMode healthzBindAddress healthzPort httpCheckFrequency
    imageGCHighThresholdPercent imageGCLowThresholdPercent imageMaximumGCAge imageMinimumGCAge
    imagePullCredentialsVerificationPolicy imageServiceEndpoint iptablesDropBit iptablesMasqueradeBit
    kernelMemcgNotification kubeAPIBurst kubeAPIQPS kubeReserved kubeReservedCgroup kubeletCgroups
    localStorageCapacityIsolation logging.flushFrequency logging.format logging.options.json.infoBufferSize
    logging.options.json.splitStream logging.options.text.infoBufferSize logging.options.text.splitStream
    logging.verbosity logging.vmodule makeIPTablesUtilChains maxOpenFiles maxParallelImagePulls maxPods
    memoryManagerPolicy memorySwap.swapBehavior memoryThrottlingFactor mergeDefaultEvictionSettings
    nodeLeaseDurationSeconds nodeStatusMaxImages nodeStatusReportFrequency nodeStatusUpdateFrequency oomScoreAdj
    podCIDR podLogsDir podPidsLimit podsPerCore port preloadedImagesVerificationAllowlist protectKernelDefaults
    providerID qosReserved readOnlyPort registerNode registerWithTaints registryBurst registryPullQPS reservedMemory
    reservedSystemCPUs resolvConf rotateCertificates runOnce runtimeRequestTimeout seccompDefault serializeImagePulls
    serverTLSBootstrap showHiddenMetricsForVersion shutdownGracePeriod shutdownGracePeriodByPodPriority
    shutdownGracePeriodCriticalPods singleProcessOOMKill staticPodPath staticPodURL staticPodURLHeader
    streamingConnectionIdleTimeout syncFrequency systemCgroups systemReserved systemReservedCgroup tlsCertFile
    tlsCipherSuites tlsMinVersion tlsPrivateKeyFile topologyManagerPolicy topologyManagerPolicyOptions
    topologyManagerScope tracing.endpoint tracing.samplingRatePerMillion userNamespaces.idsPerPod volumePluginDir
    volumeStatsAggPeriod
"""
_KUBE_PROXY = """
    bindAddress bindAddressHardFail clientConnection.acceptContentTypes clientConnection.burst
    clientConnection.contentType clientConnection.kubeconfig clientConnection.qps clusterCIDR configSyncPeriod
    conntrack.maxPerCore conntrack.min conntrack.tcpBeLiberal conntrack.tcpCloseWaitTimeout
    conntrack.tcpEstablishedTimeout conntrack.udpStreamTimeout conntrack.udpTimeout detectLocal.bridgeInterface
    detectLocal.interfaceNamePrefix detectLocalMode enableProfiling featureGates healthzBindAddress hostnameOverride
    iptables.localhostNodePorts iptables.masqueradeAll iptables.masqueradeBit iptables.minSyncPeriod
    iptables.syncPeriod ipvs.excludeCIDRs ipvs.minSyncPeriod ipvs.scheduler ipvs.strictARP ipvs.syncPeriod
    ipvs.tcpFinTimeout ipvs.tcpTimeout ipvs.udpTimeout logging.flushFrequency logging.format logging.options
    logging.verbosity logging.vmodule metricsBindAddress mode nftables.masqueradeAll nftables.masqueradeBit
    nftables.minSyncPeriod nftables.syncPeriod nodePortAddresses oomScoreAdj portRange showHiddenMetricsForVersion
    windowsRunAsService
"""
_API_SERVER = """
    admission-control-config-file advertise-address aggregator-reject-forwarding-redirect allow-metric-labels
    allow-metric-labels-manifest allow-privileged anonymous-auth api-audiences audit-log-batch-buffer-size
    audit-log-batch-max-size audit-log-batch-max-wait audit-log-batch-throttle-burst audit-log-batch-throttle-enable
    audit-log-batch-throttle-qps audit-log-compress audit-log-format audit-log-maxage audit-log-maxbackup
    audit-log-maxsize audit-log-mode audit-log-path audit-log-truncate-enabled audit-log-truncate-max-batch-size
    audit-log-truncate-max-event-size audit-log-version audit-policy-file audit-webhook-batch-buffer-size
    audit-webhook-batch-max-size audit-webhook-batch-max-wait audit-webhook-batch-throttle-burst
    audit-webhook-batch-throttle-enable audit-webhook-batch-throttle-qps audit-webhook-config-file
    audit-webhook-initial-backoff audit-webhook-mode audit-webhook-truncate-enabled
    audit-webhook-truncate-max-batch-size audit-webhook-truncate-max-event-size audit-webhook-version
    authentication-config authentication-token-webhook-cache-ttl authentication-token-webhook-config-file
    authentication-token-webhook-version authorization-config authorization-mode authorization-policy-file
    authorization-webhook-cache-authorized-ttl authorization-webhook-cache-unauthorized-ttl
    authorization-webhook-config-file authorization-webhook-version bind-address cert-dir client-ca-file
    contention-profiling coordinated-leadership-lease-duration coordinated-leadership-renew-deadline
    coordinated-leadership-retry-period cors-allowed-origins debug-socket-path default-not-ready-toleration-seconds
    default-unreachable-toleration-seconds delete-collection-workers disable-admission-plugins disable-http2-serving
    disabled-metrics egress-selector-config-file emulated-version emulation-forward-compatible
    enable-admission-plugins enable-aggregator-routing enable-bootstrap-token-auth enable-garbage-collector
    enable-logs-handler enable-priority-and-fairness encryption-provider-config
    encryption-provider-config-automatic-reload endpoint-reconciler-type etcd-cafile etcd-certfile
    etcd-compaction-interval etcd-count-metric-poll-period etcd-db-metric-poll-interval etcd-healthcheck-timeout
    etcd-keyfile etcd-prefix etcd-readycheck-timeout etcd-servers etcd-servers-overrides event-ttl external-hostname
    feature-gates goaway-chance http2-max-streams-per-connection kubelet-certificate-authority
    kubelet-client-certificate kubelet-client-key kubelet-preferred-address-types kubelet-timeout
    kubernetes-service-node-port lease-reuse-duration-seconds livez-grace-period log-flush-frequency
    log-json-info-buffer-size log-json-split-stream log-text-info-buffer-size log-text-split-stream logging-format
    max-connection-bytes-per-sec max-mutating-requests-inflight max-requests-inflight min-request-timeout oidc-ca-file
    oidc-client-id oidc-groups-claim oidc-groups-prefix oidc-issuer-url oidc-required-claim oidc-signing-algs
    oidc-username-claim oidc-username-prefix peer-advertise-ip peer-advertise-port peer-ca-file permit-address-sharing
    permit-port-sharing profiling proxy-client-cert-file proxy-client-key-file request-timeout
    requestheader-allowed-names requestheader-client-ca-file requestheader-extra-headers-prefix
    requestheader-group-headers requestheader-uid-headers requestheader-username-headers runtime-config
    runtime-config-emulation-forward-compatible secure-port service-account-extend-token-expiration
    service-account-issuer service-account-jwks-uri service-account-key-file service-account-lookup
    service-account-max-token-expiration service-account-signing-endpoint service-account-signing-key-file
    service-cluster-ip-range service-node-port-range show-hidden-metrics-for-version shutdown-delay-duration
    shutdown-send-retry-after shutdown-watch-termination-grace-period storage-backend storage-initialization-timeout
    storage-media-type strict-transport-security-directives tls-cert-file tls-cipher-suites tls-min-version
    tls-private-key-file tls-sni-cert-key token-auth-file tracing-config-file v vmodule watch-cache watch-cache-sizes
"""

_NUMBERS = """
    containerLogMaxFiles containerLogMaxWorkers eventBurst eventRecordQPS evictionMaxPodGracePeriod
    imageGCHighThresholdPercent imageGCLowThresholdPercent kubeAPIBurst kubeAPIQPS maxOpenFiles
    maxParallelImagePulls maxPods nodeLeaseDurationSeconds nodeStatusMaxImages oomScoreAdj podPidsLimit podsPerCore
    readOnlyPort registryBurst registryPullQPS
"""
_SWITCHES = """
    cgroupsPerQOS cpuCFSQuota enableControllerAttachDetach enableDebuggingHandlers failCgroupV1 failSwapOn
    localStorageCapacityIsolation makeIPTablesUtilChains mergeDefaultEvictionSettings protectKernelDefaults
    rotateCertificates seccompDefault serializeImagePulls serverTLSBootstrap singleProcessOOMKill
"""
_MAPS = """
    cpuManagerPolicyOptions evictionHard evictionMinimumReclaim evictionSoft evictionSoftGracePeriod featureGates
    kubeReserved qosReserved systemReserved topologyManagerPolicyOptions
"""
KINDS: Mapping[str, frozenset[str]] = {
    "a whole number": frozenset(_NUMBERS.split()),
    "true or false": frozenset(_SWITCHES.split()),
    "a map of keys": frozenset(_MAPS.split()),
}
"""What fields of the kubelet are: it does not start with another value."""

NAMES = {
    "kubelet": frozenset(_KUBELET.split()),
    "kubeProxy": frozenset(_KUBE_PROXY.split()),
    "apiServer": frozenset(_API_SERVER.split()),
}
"""By the key of kubernetes: dotted names. What is below a name without a dotted one of its own is free."""

ELSEWHERE = {
    "kubelet.clusterDomain": "kubernetes.clusterDomain",
    "kubelet.clusterDNS": "network.serviceSubnet",
    "kubelet.podCIDR": "network.podSubnet",
    "kubelet.registerWithTaints": "taints of the hosts",
    "kubeProxy.clusterCIDR": "network.podSubnet",
    "apiServer.service-cluster-ip-range": "network.serviceSubnet",
    "apiServer.advertise-address": "address of the control plane",
    **dict.fromkeys(("kubelet.staticPodPath", "kubelet.authentication.x509.clientCAFile"), ""),
    **dict.fromkeys(("kubelet.containerRuntimeEndpoint", "kubelet.port", "kubelet.healthzPort"), ""),
    **dict.fromkeys(("kubelet.registerNode", "kubelet.enableServer"), ""),
    **dict.fromkeys(("kubeProxy.clientConnection.kubeconfig", "kubeProxy.hostnameOverride"), ""),
    **dict.fromkeys(("apiServer.secure-port", "apiServer.client-ca-file", "apiServer.etcd-servers"), ""),
    **dict.fromkeys(("apiServer.etcd-cafile", "apiServer.etcd-certfile", "apiServer.etcd-keyfile"), ""),
    **dict.fromkeys(("apiServer.tls-cert-file", "apiServer.tls-private-key-file"), ""),
    **dict.fromkeys(("apiServer.kubelet-client-certificate", "apiServer.kubelet-client-key"), ""),
    **dict.fromkeys(("apiServer.proxy-client-cert-file", "apiServer.proxy-client-key-file"), ""),
    **dict.fromkeys(("apiServer.requestheader-client-ca-file", "apiServer.requestheader-allowed-names"), ""),
    **dict.fromkeys(("apiServer.requestheader-username-headers", "apiServer.requestheader-group-headers"), ""),
    **dict.fromkeys(("apiServer.requestheader-extra-headers-prefix", "apiServer.allow-privileged"), ""),
    **dict.fromkeys(("apiServer.enable-bootstrap-token-auth", "apiServer.cert-dir"), ""),
    **dict.fromkeys(("apiServer.service-account-key-file", "apiServer.service-account-signing-key-file"), ""),
}
"""Names whose value follows from another key of the site; empty: kubeadm sets it, and relies on it."""


def _words(value: object) -> set[str]:
    return set(str(value).replace(" ", "").split(","))


_GUARDS = {"LimitRanger", "NodeRestriction", "PodSecurity", "ResourceQuota", "ServiceAccount"}
OPEN: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "kubelet.authentication.anonymous.enabled": (lambda v: v is True, "lets anyone without a name ask the kubelet"),
    "kubelet.authentication.webhook.enabled": (lambda v: v is False, "lets the kubelet ignore who asks by token"),
    "kubelet.authorization.mode": (lambda v: v == "AlwaysAllow", "lets anyone run commands in every container"),
    "kubelet.readOnlyPort": (lambda v: v != 0, "shows all pods on a port without a password"),
    "kubelet.tlsMinVersion": (lambda v: v in ("VersionTLS10", "VersionTLS11"), "allows broken versions of TLS"),
    "kubelet.allowedUnsafeSysctls": (
        lambda v: isinstance(v, list) and "*" in v,
        "lets pods change any setting of the kernel",
    ),
    "kubelet.makeIPTablesUtilChains": (lambda v: v is False, "drops the rules that keep localhost's services local"),
    "kubeProxy.metricsBindAddress": (
        lambda v: not str(v).startswith(("127.", "[::1]", "localhost")),
        "shows metrics, and profiles if enabled, to all who reach the host",
    ),
    "kubeProxy.iptables.localhostNodePorts": (lambda v: v is True, "opens node ports on loopback (CVE-2020-8558)"),
    "apiServer.authorization-mode": (
        lambda v: "AlwaysAllow" in _words(v) or not {"Node", "RBAC"} <= _words(v),
        "lets users, or nodes, do what they have no right to: Node,RBAC is needed",
    ),
    "apiServer.enable-admission-plugins": (lambda v: "AlwaysAdmit" in _words(v), "admits every object"),
    "apiServer.disable-admission-plugins": (
        lambda v: bool(
            _words(v) & {"NodeRestriction", "PodSecurity", "ServiceAccount", "ResourceQuota", "LimitRanger"}
        ),
        "turns off what keeps nodes and projects apart",
    ),
    "apiServer.tls-min-version": (lambda v: v in ("VersionTLS10", "VersionTLS11"), "allows broken versions of TLS"),
    "apiServer.token-auth-file": (lambda _: True, "keeps passwords for good in a file that is never read again"),
    "apiServer.service-account-lookup": (
        lambda v: str(v).lower() in FALSE,
        "accepts tokens of accounts that are deleted",
    ),
    "apiServer.authorization-policy-file": (lambda _: True, "belongs to the mode ABAC, which nobody can audit"),
    "apiServer.debug-socket-path": (lambda _: True, "shows profiles without a password"),
}
"""By name: whether a value switches protection off, and what it then allows.
https://kubernetes.io/docs/reference/access-authn-authz/ (kubelet-authn-authz, authorization, admission-controllers)"""
