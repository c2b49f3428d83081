"""The stand-in's pilot: a registered job goes to a machine with a free CPU slot, and runs until it is deleted."""

import sys
import time

import six
from orchestra.db import run

sys.stderr.write(f"pilot started with six {six.__version__}\n")
while True:
    run("""
    WITH free AS (SELECT name FROM node WHERE "CPUJobs" > (SELECT count(*) FROM job WHERE job.node = node.name)
            ORDER BY name LIMIT 1),
        next AS (SELECT id FROM job WHERE status = 'registered' ORDER BY id LIMIT 1),
        started AS (UPDATE job SET status = 'running', node = free.name FROM free, next WHERE job.id = next.id
            RETURNING node)
    UPDATE node SET "completedJobs" = "completedJobs" + 1 FROM started WHERE node.name = started.node;
    """)
    time.sleep(0.5)
