"""kube-router's image. Next: https://github.com/cloudnativelabs/kube-router/releases"""

IMAGE = "docker.io/cloudnativelabs/kube-router:v2.11.1"
