"""Creates the stand-in's tables. Like upstream's script, it has machines of its own, and fails if the tables exist."""

from orchestra.db import run

MACHINES = ("node02", "node03", "cessy")

run("""
BEGIN;
CREATE TYPE cluster AS ENUM ('LPS', 'CERN');
CREATE TABLE worker (id serial PRIMARY KEY, username varchar, "maxPriority" integer);
CREATE TABLE node (id serial PRIMARY KEY, name varchar, "CPUJobs" integer, "GPUJobs" integer, "maxCPUJobs" integer,
    "maxGPUJobs" integer, "queueName" varchar, "completedJobs" integer DEFAULT 0, cluster cluster DEFAULT 'LPS');
CREATE TABLE job (id serial PRIMARY KEY, status varchar DEFAULT 'registered', node varchar,
    device varchar DEFAULT 'cpu');
COMMIT;
""")
names = ",".join(MACHINES)
run(f"""INSERT INTO node (name, "CPUJobs", "GPUJobs", "maxCPUJobs", "maxGPUJobs", "queueName")
    SELECT name, 1, 0, 30, 0, 'lps' FROM unnest(string_to_array('{names}', ',')) name;""")  # noqa: S608 - constants
