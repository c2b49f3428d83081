"""Every default version, chart source and image, each with the place to look for the next one; nowhere else."""

KUBERNETES = "1.34.2"
"""Next: https://kubernetes.io/releases/ (containerd and the operating systems must fit: stacks/compatibility.yaml)."""

KUBERNETES_REPOSITORY = "https://pkgs.k8s.io/core:/stable:/v{minor}/deb/"
"""One repository per minor version: https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/install-kubeadm/"""

KUBERNETES_KEY_URL = "https://pkgs.k8s.io/core:/stable:/v{minor}/deb/Release.key"
KUBERNETES_KEY_FINGERPRINT = "DE15B14486CD377B9E876E1A234654DA9A296436"
"""The isv:kubernetes OBS project's key, the same for all minors."""

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
