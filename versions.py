"""Every default version, chart source and image of the rooms, each with the place to look for the next one.

A part's are in its own versions.py.
"""

KUBERNETES = "1.34.2"
"""Next: https://kubernetes.io/releases/ (containerd and the operating systems must fit)."""

KUBERNETES_REPOSITORY = "https://pkgs.k8s.io/core:/stable:/v{minor}/{form}/"
"""One repository per minor version: https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/install-kubeadm/"""

KUBERNETES_KEY_FILES = {"deb": "Release.key", "rpm": "repodata/repomd.xml.key"}
KUBERNETES_KEY_FINGERPRINT = "DE15B14486CD377B9E876E1A234654DA9A296436"
"""The isv:kubernetes OBS project's key, the same for all minors."""

DOCKER_REPOSITORY_RHEL = "https://download.docker.com/linux/centos/{version}/{arch}/stable"
DOCKER_KEY_URL_RHEL = "https://download.docker.com/linux/centos/gpg"
DOCKER_KEY_FINGERPRINT_RHEL = "060A61C51B558A7F742B77AAC52FEB6B621E9F35"
"""https://docs.docker.com/engine/install/rhel/"""

DOCKER_REPOSITORY = "https://download.docker.com/linux/{os}"
DOCKER_KEY_URL = "https://download.docker.com/linux/{os}/gpg"
DOCKER_KEY_FINGERPRINT = "9DC858229FC7DD38854AE2D88D81803C0EBFCD88"
"""containerd.io's source and the key that it documents: https://docs.docker.com/engine/install/debian/"""

IMAGE_REPOSITORY = "registry.k8s.io"
PAUSE_IMAGE = "registry.k8s.io/pause:3.10.1"
"""What kubeadm of KUBERNETES names: https://github.com/kubernetes/kubernetes/blob/v1.34.2/cmd/kubeadm/app/constants/constants.go"""

FLANNEL_CHART = "v0.28.0"
FLANNEL_CHART_REPOSITORY = "https://flannel-io.github.io/flannel/"
"""Next: https://github.com/flannel-io/flannel/releases"""

NVIDIA_DRIVER_REPOSITORY = "https://developer.download.nvidia.com/compute/cuda/repos/{os}{release}/{arch}/"
NVIDIA_DRIVER_REPOSITORY_RHEL = "https://developer.download.nvidia.com/compute/cuda/repos/rhel{version}/{arch}/"
"""The driver's packages: https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/"""

NVIDIA_DRIVER_KEYS = {
    "debian": ("3bf863cc.pub", "EB693B3035CD5710E231E123A4B469963BF863CC"),
    "debian-13": ("8793F200.pub", "02182E60104FCDC26EAE1B8597A5D4CB8793F200"),
    "rhel": ("D42D0685.pub", "610C7B14E068A878070DA4E99CD0A493D42D0685"),
}
"""The key's name beside the packages, and its fingerprint, by system or family. Debian 13's apt refuses the older key's
SHA-1. NVIDIA prints names, not fingerprints (they are what public users of these repositories pin): compare anew when
a key changes, https://developer.nvidia.com/blog/updating-the-cuda-linux-gpg-repository-key/"""

NVIDIA_TOOLKIT_REPOSITORY = "https://nvidia.github.io/libnvidia-container/stable/deb/$(ARCH)/"
NVIDIA_TOOLKIT_REPOSITORY_RHEL = "https://nvidia.github.io/libnvidia-container/stable/rpm/{arch}/"
NVIDIA_TOOLKIT_KEY_URL = "https://nvidia.github.io/libnvidia-container/gpgkey"
NVIDIA_TOOLKIT_KEY_FINGERPRINT = "C95B321B61E88C1809C4F759DDCAE044F796ECB0"
"""The container toolkit: https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html"""
