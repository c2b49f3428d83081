"""The image of the example. Next: what kubeadm of the site's Kubernetes names (`kubeadm config images list`)."""

IMAGE = "registry.k8s.io/pause:3.10.1"
