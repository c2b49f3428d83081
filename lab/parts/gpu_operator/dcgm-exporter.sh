#!/bin/sh
# Measurements of one GPU that is well, under the names and labels of NVIDIA's exporter. A test changes the file.
set -eu

mkdir -p /tmp/www
label="gpu=\"0\",Hostname=\"$NODE_NAME\""
cat >/tmp/www/metrics <<TEXT
DCGM_FI_DEV_XID_ERRORS{$label} 0
DCGM_FI_DEV_GPU_TEMP{$label} 41
DCGM_FI_DEV_ROW_REMAP_FAILURE{$label} 0
TEXT
exec httpd -f -p 9400 -h /tmp/www
