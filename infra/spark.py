"""The Glue job for backlogs: the platform's own Spark job, with the libraries that the lock file names."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from aws_cdk import IgnoreMode, Stack
from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from infra.assets import Assets
from infra.lake import LakeStack
from infra.permissions import SPARK
from infra.roles import make_role

LIBRARIES: Final = (
    *("boto3", "cantools", "dagster-pipes", "numpy", "obstore", "orjson", "pandas", "pyarrow", "pyyaml"),
)
"""What the job imports and Glue does not bring, or brings in other versions: decoded bytes depend on them."""

_GLUE: Final = "5.0"
"""Spark 3.5 on Python 3.11."""


class SparkJob(Construct):
    """The job.

    Attributes:
        name: Its name, as TELEMETRY_DECODER takes it.
        arn: Its ARN.
    """

    def __init__(self, scope: Construct, id_: str, *, name: str, assets: Assets, lake: LakeStack) -> None:
        super().__init__(scope, id_)
        stack = Stack.of(self)
        script = s3_assets.Asset(
            self, "Script", path=str(assets.pipeline / "telemetry_pipeline" / "spark_job.py")
        )
        library = s3_assets.Asset(
            self,
            "Library",
            path=str(assets.pipeline),
            # patterns as git's: everything but the package
            exclude=["/*", "!/telemetry_pipeline", "__pycache__"],
            ignore_mode=IgnoreMode.GIT,
        )
        role = make_role(
            self,
            name,
            "glue.amazonaws.com",
            SPARK,
            {
                "data": lake.data,
                "script": [item.bucket.arn_for_objects(item.s3_object_key) for item in (script, library)],
                "log": stack.format_arn(service="logs", resource="log-group:/aws-glue/*"),
            },
            key=lake.key.key_arn if lake.key else None,
        )
        self.name = name
        self.arn = stack.format_arn(service="glue", resource="job", resource_name=name)
        glue.CfnJob(
            self,
            "Job",
            name=name,
            role=role.role_arn,
            glue_version=_GLUE,
            worker_type="G.1X",
            number_of_workers=10,
            timeout=240,
            max_retries=0,  # what is not told of is sent again by the run
            execution_property=glue.CfnJob.ExecutionPropertyProperty(max_concurrent_runs=4),
            command=glue.CfnJob.JobCommandProperty(
                name="glueetl", python_version="3", script_location=script.s3_object_url
            ),
            default_arguments={
                "--extra-py-files": library.s3_object_url,
                "--additional-python-modules": ",".join(
                    pins(assets.pipeline / "requirements.lock", LIBRARIES)
                ),
                "--enable-auto-scaling": "true",
            },
        )


def pins(lock: Path, names: Sequence[str]) -> list[str]:
    """`name==version` of each library for Glue's Python, as the lock file has it."""
    lines = re.findall(r"^([\w-]+)==([\w.]+)(?: ; (.*?))? \\$", lock.read_text(), re.MULTILINE)
    later = re.compile(r"python_full_version >= '3\.1[2-9]'")
    found = {name: version for name, version, marker in lines if not later.search(marker)}
    return [f"{name}=={found[name]}" for name in names]
