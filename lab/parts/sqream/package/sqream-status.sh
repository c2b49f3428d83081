#!/bin/sh
# Stand-in of the gpu-metal lab, not SQream's own: what runs.
exec docker ps --filter 'name=^/sqream_' --format 'table {{.Names}}\t{{.Status}}\t{{.Ports}}'
