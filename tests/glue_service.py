"""A stand-in for AWS Glue's jobs that speaks its API over HTTP, so that boto3's own client talks to it.

A job's run really is our Spark job, from this source tree, on this machine's Spark.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.servers import Answer, Asked, answering, ended

JOB = "backlog"
RUN = "jr_1"


@dataclass
class Service:
    """The service's endpoint, for AWS_ENDPOINT_URL_GLUE, and what it was asked to start.

    `env` is the job's environment: what its role and its parameters give it on Glue.
    """

    env: Mapping[str, str]
    endpoint: str = ""
    started: list[dict[str, Any]] = field(default_factory=list)
    process: "subprocess.Popen[bytes] | None" = None

    def start_job_run(self, request: dict[str, Any]) -> dict[str, Any]:
        self.started.append(request)
        words = [word for pair in request["Arguments"].items() for word in pair]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "telemetry_pipeline.spark_job", "--JOB_NAME", JOB, *words],
            env=dict(self.env),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return {"JobRunId": RUN}

    def get_job_run(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self.process
        code = self.process.poll()
        state = "RUNNING" if code is None else "FAILED" if code else "SUCCEEDED"
        return {"JobRun": {"Id": RUN, "JobName": request["JobName"], "JobRunState": state}}


@contextmanager
def running(service: Service) -> Iterator[Service]:
    """Serve on loopback; end the job afterwards."""
    actions = {"AWSGlue.StartJobRun": service.start_job_run, "AWSGlue.GetJobRun": service.get_job_run}

    def answer(asked: Asked) -> Answer:
        said = actions[asked.headers["X-Amz-Target"]](json.loads(asked.body))
        return Answer(json.dumps(said).encode(), headers={"Content-Type": "application/x-amz-json-1.1"})

    with answering(answer) as service.endpoint:
        try:
            yield service
        finally:
            if service.process:
                with ended(service.process, gently=False):
                    pass
