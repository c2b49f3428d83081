"""Variables of Kubespray that a site has not, each with the reason; those that it takes are in kubespray_cluster.py.

Kubespray has thousands. These are the ones of its sample inventory (inventory/sample of v2.31.0), by name or beginning.
"""

import re

GROUPS = {
    **dict.fromkeys(("kube-master", "kube_master", "kube-controlplane", "kube_control-plane"), "kube_control_plane"),
    "kube-node": "kube_node",
    "k8s-cluster": "k8s_cluster",
    "calico-rr": "calico_rr",
}
"""Names that groups had before Kubespray 2.16, and what they are called now."""

_KUBEADM = "kubeadm has its own place for it."
_DNS = "CoreDNS is as kubeadm sets it up; dns names its servers."
_ADDON = "it is no part of a site: docs/parts/README.md has those; else install it with helm."
_CLOUD = "a site is bare metal."
_DOWNLOAD = "a site takes packages and images from repositories, kubernetes.imageRepository and engine.mirrors."
_NETWORK = "the pod network is flannel or a bridge here."
_KUBELET = "it is a field of kubernetes.kubelet here: sitectl explain kubernetes.kubelet."
_API = "it is an argument of kubernetes.apiServer here."
_ANSIBLE = "it is about how Kubespray works."
_ETCD = "etcd is set up by kubeadm on the control planes, with its own settings."

EXACT = {
    "kube_pods_subnets": _NETWORK,
    "kube_service_subnets": _NETWORK,
    "etcd_member_name": "a member of etcd has its host's name.",
    "access_ip": "a site has one address of a host.",
    "loadbalancer_apiserver_localhost": "hosts reach the API server by kubernetes.endpoint.",
    "loadbalancer_apiserver_type": "hosts reach the API server by kubernetes.endpoint.",
    "loadbalancer_apiserver_port": "hosts reach the API server by kubernetes.endpoint.",
    "loadbalancer_apiserver_healthcheck_port": "hosts reach the API server by kubernetes.endpoint.",
    "kube_override_hostname": "a node has its host's name.",
    "kube_api_anonymous_auth": _API,
    "kube_encrypt_secret_data": "a site does not encrypt Secrets in etcd yet.",
    "kubeconfig_localhost": "sitectl kubeconfig writes one.",
    "kubeconfig_localhost_ansible_host": "sitectl kubeconfig writes one.",
    "kubectl_localhost": "sitectl kubeconfig writes what your kubectl needs.",
    "auto_renew_certificates": "sitectl verify names certificates that end soon.",
    "auto_renew_certificates_systemd_calendar": "sitectl verify names certificates that end soon.",
    "kubeadm_patches": "arguments are in kubernetes.apiServer here.",
    "podsecuritypolicy_enabled": "Kubernetes has none since 1.25; projects have podSecurity here.",
    "ingress_nginx_enabled": "network.ingress is HAProxy's controller here, with a certificate of yours.",
    "dashboard_enabled": "Kubernetes' dashboard is archived.",
    "local_path_provisioner_enabled": "storage.classes has local-path, for a copy of its chart that you name.",
    "registry_enabled": "registry is one on a host here, with TLS and a password.",
    "nvidia_accelerator_enabled": "hosts have gpu, and devicePlugin or gpuOperator brings GPUs to pods.",
    "kernel_upgrade": "hosts have kernel.package.",
    "disable_swap": "hosts of a cluster have no swap; swap: keep keeps it.",
    "system_upgrade": "a site upgrades no packages by itself.",
    "kube_owner": _KUBEADM,
    "kube_cert_group": _KUBEADM,
    "credentials_dir": _ANSIBLE,
    "unsafe_show_logs": _ANSIBLE,
    "bin_dir": "programs come as packages.",
    "docker_version": "engine.version names a package.",
    "containerd_version": "engine.version names a package.",
    "remove_anonymous_access": _KUBEADM,
    "allow_unsupported_distribution_setup": "preflight refuses systems that are not known.",
}
BEGINNINGS = (
    (r"ansible_", "it is about how Ansible connects."),
    (r"etcd_", _ETCD),
    (r"(calico|cilium|flannel|kube_ovn|kube_router|kube_vip|macvlan|multus|weave|typha|canal|contiv|sriov)_", _NETWORK),
    (r"kube_network_plugin_", _NETWORK),
    (
        r"peer_with_|enable_dual_stack|kube_pods_subnet_ipv6|kube_service_addresses_ipv6|kube_network_node_prefix_",
        _NETWORK,
    ),
    (r"ipv[46]_stack", "a cluster has IPv4 here."),
    (
        r"kube_(config|script|manifest|cert|token|cert_compat)_dir|kubelet_config_dir|default_kubelet_config_dir",
        _KUBEADM,
    ),
    (
        r"(dns_|ndots|enable_nodelocaldns|nodelocaldns_|coredns_|enable_coredns|resolvconf_mode|skydns_|manual_dns)",
        _DNS,
    ),
    (r"(deploy_netchecker|netchecker_|remove_default_searchdomains)", _DNS),
    (r"(kubelet_|kube_read_only_port|eviction_|system_.*reserved|kube_.*reserved|kube_reserved)", _KUBELET),
    (
        r"(tls_|event_ttl|kube_(apiserver|controller|scheduler)_|authorization_modes|kube_webhook_|kube_token_auth)",
        _API,
    ),
    (r"(audit_|kube_log_level|kube_feature_gates|kube_oidc_ca_file)", _API),
    (r"(helm|metrics_server|cert_manager|argocd|krew|node_feature_discovery|gateway_api|prometheus|ingress)_", _ADDON),
    (
        r"(local_(path|volume)_provisioner|registry|dashboard|cephfs|rbd|snapshot_controller|csi_snapshot|scheduler_plugins)_",
        _ADDON,
    ),
    (r"(metallb)_", "network.loadBalancer has a pool; the rest is what its chart sets."),
    (r"(nvidia)_", EXACT["nvidia_accelerator_enabled"]),
    (
        r"(kata|gvisor|crun|youki|runc|crio|cri_o|docker|containerd|podman|skopeo|nerdctl)_",
        "containerd is the engine here.",
    ),
    (r"(aws|azure|openstack|vsphere|gcp|oci|hcloud|huaweicloud|upcloud|cinder|external|cloud|rackspace|alb)_", _CLOUD),
    (r"(persistent_volumes_enabled|volume_cross_zone_attachment|cloud_provider)", _CLOUD),
    (
        r"(download_|local_release_dir|files_repo|registry_host|.*_image_repo$|.*_download_url$|.*_checksums?$|.*_url$)",
        _DOWNLOAD,
    ),
    (
        r"(debian|ubuntu|docker_|containerd_|yum|epel|extras)_?repo|dl_|github_url|.*_repo_(base_)?(url|key).*",
        _DOWNLOAD,
    ),
    (
        r"(rh_|retry_|kubeadm_|ignore_assert|cert_management|skip_|no_proxy_exclude|deploy_container|k8s_image_pull)",
        _ANSIBLE,
    ),
    (r"(helm_|kubectl_|.*_retries$|.*_timeout$|.*_log_level$)", _ANSIBLE),
    (r"kube_proxy_", "it is a field of kubernetes.kubeProxy here: sitectl explain kubernetes.kubeProxy."),
    (r"(rbac|kube_basic_auth|kube_users|kube_api_pwd)", _KUBEADM),
    (r"ntp_", "timeServers names the servers of chrony."),
)


def by_beginning(name: str) -> str | None:
    """Why a site has not a variable that begins so; None for one that is not known here."""
    return next((why for beginning, why in BEGINNINGS if re.match(beginning, name)), None)
