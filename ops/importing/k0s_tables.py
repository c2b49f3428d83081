"""What k0sctl's file and the cluster configuration in it may have.

https://github.com/k0sproject/k0sctl/blob/main/README.md, https://docs.k0sproject.io/stable/configuration/
"""

_BINARY = "Kubernetes comes as packages here: repositories.kubernetes names a mirror."
_HOW = "it is about how k0sctl works."
_ITSELF = "it is of a program of k0s itself."

TOP = {"apiVersion": "", "kind": "", "metadata": "", "spec": ""}
METADATA = {"name": "", "user": "k0sctl's own kubeconfig user.", "kubeconfig": "sitectl kubeconfig writes one."}
SPEC = {"hosts": "", "k0s": "", "options": _HOW}

HOST = {
    **dict.fromkeys(("role", "ssh", "openSSH", "hostname", "privateAddress", "privateInterface", "noTaints"), ""),
    **dict.fromkeys(("installFlags", "environment", "reset", "localhost", "winRM"), ""),
    **dict.fromkeys(("uploadBinary", "k0sBinaryPath", "k0sDownloadURL", "k0sInstallPath", "useExistingK0s"), _BINARY),
    "dataDir": "a kubelet's data is in /var/lib/kubelet here.",
    "kubeletRootDir": "a kubelet's data is in /var/lib/kubelet here.",
    "files": "k0sctl copies them; copy them by other means.",
    "hooks": "commands of your own; run them by other means.",
    "os": "preflight compares the system: write os as debian-12 or rocky-9.",
}
SSH = dict.fromkeys(("address", "user", "port", "keyPath", "bastion"), "") | {
    "hostKey": "host keys are in known_hosts.STACK here: sitectl scan."
}
OPEN_SSH = {
    **dict.fromkeys(("address", "user", "port", "keyPath"), ""),
    "configPath": "the program ssh and its settings are not used here.",
    "options": "the program ssh and its settings are not used here.",
    "disableMultiplexing": "the program ssh and its settings are not used here.",
}
BASTION = {"address": "", "user": "", "port": "", "keyPath": "", "hostKey": SSH["hostKey"]}

K0S = {
    "version": "",
    "config": "",
    "versionChannel": "a site names an exact version.",
    "dynamicConfig": "settings of a cluster are in the site file here.",
}
CONFIG = {"apiVersion": "", "kind": "", "metadata": "", "spec": ""}
CLUSTER = {
    "api": "",
    "network": "",
    "storage": "",
    "images": "images are named by kubernetes.imageRepository and engine.mirrors here.",
    "extensions": "Helm charts and k0s' own storage: see docs/parts/README.md for what a site may have, or use helm.",
    "telemetry": _ITSELF,
    "installConfig": _ITSELF,
    "konnectivity": "control planes reach pods without it here: each of them is a node.",
    "controllerManager": "a site sets no arguments of it.",
    "scheduler": "a site sets no arguments of it.",
    "workerProfiles": "one setting for all nodes is kubernetes.kubelet here.",
    "featureGates": "they are kubernetes.kubelet.featureGates and an argument of kubernetes.apiServer here.",
    "podSecurityPolicy": "Kubernetes has none since 1.25; projects have podSecurity here.",
}
API = {
    **dict.fromkeys(("externalAddress", "port", "sans", "extraArgs"), ""),
    "address": "the API server has the address of its host here.",
    "k0sApiPort": _ITSELF,
    "onlyBindToAddress": "the firewall of a site decides who reaches the API server.",
    "tunneledNetworkingMode": _ITSELF,
    "ca": "kubeadm makes the authority.",
}
NETWORK = {
    **dict.fromkeys(("provider", "podCIDR", "serviceCIDR", "clusterDomain", "kubeProxy"), ""),
    "dualStack": "a cluster has IPv4 here.",
    "calico": "the pod network is flannel or a bridge here.",
    "kuberouter": "the pod network is flannel or a bridge here.",
    "nodeLocalLoadBalancing": "nodes reach the API server by kubernetes.endpoint here.",
    "controlPlaneLoadBalancing": "the address of several control planes is that of your load balancer here.",
    "primaryAddressFamily": "a cluster has IPv4 here.",
}
KUBE_PROXY = {
    "mode": "",
    **dict.fromkeys(
        ("disabled", "metricsBindAddress", "iptables", "ipvs", "nftables", "nodePortAddresses", "extraArgs"),
        "they are fields of kubernetes.kubeProxy here, which always runs.",
    ),
}
STORAGE = {
    "type": "",
    "etcd": "etcd is set up by kubeadm on the control planes, with its own settings.",
    "kine": "etcd is the only store here.",
}
