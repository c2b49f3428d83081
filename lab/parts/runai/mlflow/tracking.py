"""Experiments and runs of the stand-in of MLflow."""

import secrets
import time

from lab.parts.runai.mlflow.kept import Body, Kept, Refused, invalid, missing
from lab.parts.runai.mlflow.users import Users


class Tracking:
    """Experiments and runs, each seen by who made it, and by administrators."""

    def __init__(self, kept: Kept, users: Users, artifacts: str) -> None:
        self._kept, self._users, self._artifacts = kept, users, artifacts
        self._all("experiments").setdefault("0", {"name": "Default", "owner": ""})

    def _all(self, what: str) -> Body:
        found: Body = self._kept.data.setdefault(what, {})
        return found

    def _mine(self, who: str, experiment: str) -> Body:
        found: Body | None = self._all("experiments").get(experiment)
        if found is None:
            raise missing(f"Experiment with id={experiment}")
        if found["owner"] != who and not self._users.admin(who):
            raise Refused(403, "PERMISSION_DENIED", "Permission denied")
        return found

    def _run(self, who: str, body: Body) -> Body:
        found: Body | None = self._all("runs").get(str(body.get("run_id") or body.get("run_uuid")))
        if found is None:
            raise missing(f"Run with id={body.get('run_id')}")
        self._mine(who, found["experiment_id"])
        return found

    def create_experiment(self, who: str, body: Body) -> Body:
        """A new one, of who asks."""
        name, there = str(body.get("name") or ""), self._all("experiments")
        if not name:
            raise invalid("Missing value for required parameter 'name'.")
        if any(each["name"] == name for each in there.values()):
            raise Refused(400, "RESOURCE_ALREADY_EXISTS", f"Experiment(name={name}) already exists.")
        key = str(len(there))
        there[key] = {"name": name, "owner": who}
        self._kept.write()
        return {"experiment_id": key}

    def experiment(self, who: str, query: Body) -> Body:
        """By its name."""
        for key, each in self._all("experiments").items():
            if each["name"] == query.get("experiment_name"):
                self._mine(who, key)
                place = f"mlflow-artifacts:/{key}" if self._artifacts else ""
                return {"experiment": {"experiment_id": key, "name": each["name"], "artifact_location": place}}
        raise missing(f"Could not find experiment with name '{query.get('experiment_name')}': it was")

    def create_run(self, who: str, body: Body) -> Body:
        """A new run in an experiment."""
        experiment = str(body.get("experiment_id", "0"))
        self._mine(who, experiment)
        key = secrets.token_hex(16)
        run = {"run_id": key, "experiment_id": experiment, "status": "RUNNING", "metrics": {}, "params": {}}
        self._all("runs")[key] = {**run, "start_time": int(body.get("start_time", time.time() * 1000))}
        self._kept.write()
        return self.run(who, {"run_id": key})

    def log(self, who: str, body: Body, what: str) -> Body:
        """A metric's newest value, or a parameter, which never changes."""
        found = self._run(who, body)[what]
        key, value = body["key"], body["value"]
        if what == "params" and found.get(key, value) != value:
            raise invalid(f"Changing param values is not allowed. Param with key='{key}' was already logged")
        found[key] = value
        self._kept.write()
        return {}

    def end(self, who: str, body: Body) -> Body:
        """Another status of a run."""
        run = self._run(who, body)
        run["status"] = body.get("status", run["status"])
        self._kept.write()
        return {"run_info": {"run_id": run["run_id"], "status": run["status"]}}

    def run(self, who: str, query: Body) -> Body:
        """What is known of a run."""
        found = self._run(who, query)
        data = {what: [{"key": k, "value": v} for k, v in found[what].items()] for what in ("metrics", "params")}
        info = {key: found[key] for key in ("run_id", "experiment_id", "status", "start_time")}
        return {"run": {"info": info, "data": data}}
