"""Default versions of the charts that make volumes, and the image that local-path starts to make and clear folders.

Next: https://github.com/kubernetes-csi/csi-driver-nfs/tree/master/charts, the chart's branch of
https://github.com/kubernetes-sigs/nfs-subdir-external-provisioner (dormant since 2024),
https://github.com/rancher/local-path-provisioner/tags, https://hub.docker.com/_/busybox.
"""

CSI_NFS = "4.13.4"
CSI_NFS_REPOSITORY = "https://raw.githubusercontent.com/kubernetes-csi/csi-driver-nfs/master/charts"
SUBDIR = "4.0.18"
SUBDIR_REPOSITORY = "https://kubernetes-sigs.github.io/nfs-subdir-external-provisioner/"
LOCAL_PATH = "0.0.37"
HELPER_TAG = "1.37.0"
