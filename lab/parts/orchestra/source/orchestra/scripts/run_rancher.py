"""The stand-in's pilot: a registered job goes to a machine with a slot for its device, and runs until it is deleted.

With a kubeconfig, each job is one of Kubernetes on that machine, and its slot is free when that has ended.
"""

import os
import sys
import time

import six
from orchestra.cluster import Cluster
from orchestra.db import run

SLOTS = {"cpu": "CPUJobs", "gpu": "GPUJobs"}
"""The column of table node that has the slots of a device."""


def place(device: str) -> None:
    """Gives the oldest registered job of that device a machine, if one has a free slot."""
    run(f"""
    WITH free AS (SELECT name FROM node WHERE "{SLOTS[device]}" >
            (SELECT count(*) FROM job WHERE job.node = node.name AND job.device = '{device}')
            ORDER BY name LIMIT 1),
        next AS (SELECT id FROM job WHERE status = 'registered' AND device = '{device}' ORDER BY id LIMIT 1),
        started AS (UPDATE job SET status = 'running', node = free.name FROM free, next WHERE job.id = next.id
            RETURNING node)
    UPDATE node SET "completedJobs" = "completedJobs" + 1 FROM started WHERE node.name = started.node;
    """)  # noqa: S608 - constants


def follow(cluster: Cluster) -> None:
    """Starts the Jobs of running jobs, also of those that a pilot that ended did not start, and frees slots."""
    there = cluster.jobs()
    for job, node, device in run("SELECT id, node, device FROM job WHERE status = 'running' ORDER BY id;"):
        if job not in there:
            cluster.start(job, node, device)
        elif there[job]:
            run(f"UPDATE job SET status = 'completed', node = NULL WHERE id = {int(job)};")  # noqa: S608 - a number


def main() -> None:
    """For ever."""
    sys.stderr.write(f"pilot started with six {six.__version__}\n")
    cluster = Cluster(os.environ["KUBECONFIG"]) if os.environ.get("KUBECONFIG") else None
    while True:
        for device in SLOTS:
            place(device)
        if cluster:
            follow(cluster)
        time.sleep(0.5)


if __name__ == "__main__":
    main()
