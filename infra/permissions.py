"""Which role may do what, and which call of ours needs it: the only place where an AWS action is spelled.

Policies are made from this table (by `roles`) and from nothing else. An action that no call needs is not in it; a test compares
every role of the synthesised templates with it, and with the requests that the code really sends.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from telemetry_pipeline.metrics_log import NAMESPACE

_STORE: Final = "telemetry_pipeline/lake/store.py"


@dataclass(frozen=True)
class Need:
    """What one role needs of one thing.

    Attributes:
        of: What it is of: a key of the ARNs that the stack hands over.
        actions: Each action, and the call that needs it: a file of ours and what stands there, or whose call it is.
        below: Prefixes within a bucket; with s3:ListBucket those that may be listed.
        conditions: More conditions of the statement.
        within: With ecs:RunTask, the cluster that alone will do: a key of the ARNs, too.
    """

    of: str
    actions: Mapping[str, str]
    below: tuple[str, ...] = ()
    conditions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    within: str | None = None


_GET: Final = {"s3:GetObject": f"{_STORE}: obstore.get("}
_PUT: Final = {"s3:PutObject": f"{_STORE}: obstore.put("}
_DELETE: Final = {"s3:DeleteObject": f"{_STORE}: obstore.delete("}
# without a condition on prefixes: an object that is not there is told as such to those alone who may list the bucket
_LIST: Final = Need("data", {"s3:ListBucket": f"{_STORE}: obstore.list("})

_LOG: Final = Need(
    "log",
    {
        "logs:CreateLogStream": "AWS Lambda, for every function",
        "logs:PutLogEvents": "AWS Lambda, for every function",
    },
)
_QUEUE: Final = "telemetry_pipeline/inbox/queue.py"
_GLUE: Final = "telemetry_pipeline/catalog/glue.py"
_RUNNER: Final = "telemetry_pipeline/query/athena/runner.py"
_ECS: Final = "Dagster's EcsRunLauncher"

_CATALOGUE: Final = {
    "glue:GetDatabase": f"{_GLUE}: get_database(",
    "glue:GetTable": f"{_GLUE}: get_table(",
    "glue:UpdateTable": f"{_GLUE}: update_table(",
    "glue:GetPartitions": f"{_GLUE}: get_partitions",
    "glue:BatchCreatePartition": f"{_GLUE}: batch_create_partition(",
    "glue:BatchUpdatePartition": f"{_GLUE}: batch_update_partition(",
    "glue:BatchDeletePartition": f"{_GLUE}: batch_delete_partition(",
}
"""To keep tables and partitions as the lake says; the tables themselves are made by the stack."""

DECODES: Final = (
    _LIST,
    Need("data", _GET, ("raw/", "dbc/", "decoded/", "dictionary/", "quarantine/")),
    Need("data", _PUT, ("decoded/", "events/", "quarantine/", "dictionary/", "_state/made_by/")),
    Need("data", _DELETE, ("events/",)),
)
"""What decoding needs of the lake, wherever it runs."""

DECODER: Final = (
    *DECODES,
    _LOG,
    Need(
        "queue",
        dict.fromkeys(
            ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
            "AWS Lambda, for the event source mapping",
        ),
    ),
)

_TELLS: Final = Need("data", _PUT, ("_state/pipes/",))
"""What became of each object, for the run of Dagster's that sent it away."""

SENT_TO: Final = (*DECODES, _TELLS, _LOG)
"""The decoder that Dagster invokes: the queue is not its business, and what it is to do stands in the event."""

_REGISTERS: Final = Need(
    "catalogue",
    {
        name: _CATALOGUE[name]
        for name in ("glue:GetPartitions", "glue:BatchCreatePartition", "glue:BatchUpdatePartition")
    },
)

CATALOG: Final = (
    _LIST,
    _LOG,
    _REGISTERS,
    Need("failed", {"sqs:SendMessage": "AWS Lambda, for what it could not do"}),
)
"""The last days: tables are the stacks' business, and nothing is forgotten by a schedule."""

API: Final = (
    _LIST,
    _LOG,
    Need(
        "data",
        _GET,
        ("decoded/", "series/", "overview/", "events/", "dictionary/", "quarantine/", "fleet_daily/"),
    ),
)

ASKS_ATHENA: Final = (
    Need(
        "workgroup",
        {
            "athena:StartQueryExecution": f"{_RUNNER}: cursor",
            "athena:GetQueryExecution": f"{_RUNNER}: cursor",
            "athena:GetQueryResults": f"{_RUNNER}: cursor",
            "athena:StopQueryExecution": f"{_RUNNER}: stop_query_execution(",
            "athena:GetQueryRuntimeStatistics": f"{_RUNNER}: get_query_runtime_statistics(",
        },
    ),
    Need(
        "catalogue",
        {name: _CATALOGUE[name] for name in ("glue:GetDatabase", "glue:GetTable", "glue:GetPartitions")},
    ),
    Need(
        "results",
        {
            "s3:GetObject": "Athena for its caller, and its client for the result",
            "s3:PutObject": "Athena for its caller",
            "s3:AbortMultipartUpload": "Athena for its caller",
        },
        ("athena/",),
    ),
    Need(
        "results", {"s3:ListBucket": "Athena for its caller", "s3:GetBucketLocation": "Athena for its caller"}
    ),
)

_OWN: Final = "vehicle_id=${credentials-iot:ThingName}/"
"""The name of a vehicle's thing is its id."""

EDGE: Final = (
    Need("data", {"s3:PutObject": "telemetry_pipeline/lake/land.py: store.put("}, (f"raw/{_OWN}",)),
)
"""A vehicle writes below its own prefix. It reads nothing, its own frames neither."""

EDGE_SETTINGS: Final = (Need("data", {"s3:GetObject": "edge_agent/remote.py: .get("}, (f"agents/{_OWN}",)),)
"""Settings that the lake has for a vehicle."""

EDGE_METRICS: Final = (
    Need(
        "anything",
        {"cloudwatch:PutMetricData": 'edge_agent/cloudwatch.py: "PutMetricData"'},
        conditions={"StringEquals": {"cloudwatch:namespace": NAMESPACE}},
    ),
)
"""A vehicle's health as metrics."""

_LAKE_WIDE: Final = (
    *("raw/", "decoded/", "events/", "series/", "overview/", "quarantine/"),
    *("dictionary/", "dbc/", "fleet_daily/", "_state/"),
)

CONTROL_ROOM: Final = (
    _LIST,
    Need("data", _GET, _LAKE_WIDE),
    Need("data", _PUT, tuple(prefix for prefix in _LAKE_WIDE if prefix not in ("raw/", "dbc/"))),
    Need("data", _DELETE, ("events/", "series/", "overview/", "_state/")),
    Need(
        "queue",
        {
            "sqs:ReceiveMessage": f"{_QUEUE}: receive_message(",
            "sqs:DeleteMessage": f"{_QUEUE}: delete_message_batch(",
            "sqs:ChangeMessageVisibility": f"{_QUEUE}: change_message_visibility_batch(",
            "sqs:GetQueueAttributes": f"{_QUEUE}: get_queue_attributes(",
        },
    ),
    Need("catalogue", _CATALOGUE),
    Need("topic", {"sns:Publish": "telemetry_pipeline/alerts/targets.py: publish("}),
    Need(
        "run_logs",
        dict.fromkeys(("s3:GetObject", "s3:PutObject"), "Dagster's S3ComputeLogManager"),
        ("dagster-logs/",),
    ),
    Need(
        "run_logs",
        {"s3:DeleteObject": "telemetry_pipeline/defs/retention.py: compute_log_manager.delete_logs("},
        ("dagster-logs/",),
    ),
    Need("run_logs", {"s3:ListBucket": "Dagster's S3ComputeLogManager"}),
    Need("log", {"logs:GetLogEvents": _ECS}),
    Need("tasks", {"ecs:DescribeTasks": _ECS, "ecs:StopTask": _ECS}),
    # tags are given to the task that is started, not to its definition; no other task is tagged
    Need("tasks", {"ecs:TagResource": _ECS}, conditions={"StringEquals": {"ecs:CreateAction": "RunTask"}}),
    # a definition is made for every job of every image: by then the stacks are long there
    Need("task_definitions", {"ecs:RunTask": _ECS}, within="cluster"),
    # these know no resource
    Need("anything", dict.fromkeys(("ecs:RegisterTaskDefinition", "ecs:DescribeTaskDefinition"), _ECS)),
    Need("anything", {"ec2:DescribeNetworkInterfaces": _ECS}),
    Need(
        "task_roles",
        {"iam:PassRole": _ECS},
        conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
    ),
)

SENDS_TO_LAMBDA: Final = (
    Need("function", {"lambda:InvokeFunction": "telemetry_pipeline/defs/dispatch.py: PipesLambdaClient("}),
)

SENDS_TO_GLUE: Final = (
    Need(
        "job",
        dict.fromkeys(
            ("glue:StartJobRun", "glue:GetJobRun", "glue:BatchStopJobRun"),
            "telemetry_pipeline/defs/dispatch.py: PipesGlueClient(",
        ),
    ),
)

SPARK: Final = (
    *DECODES,
    _TELLS,
    # a job's arguments are too short for what it is to do
    Need("data", _GET, ("_state/pipes/",)),
    Need("script", {"s3:GetObject": "AWS Glue, for the job's script and its library"}),
    Need(
        "log",
        dict.fromkeys(
            ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"), "AWS Glue, for the job"
        ),
    ),
)

STARTS_COMPACTION: Final = (
    Need("log", dict.fromkeys(("logs:CreateLogStream", "logs:PutLogEvents"), "AWS ECS, for every task")),
    Need(
        "image",
        dict.fromkeys(
            ("ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"),
            "AWS ECS, to pull the image",
        ),
    ),
    Need("anything", {"ecr:GetAuthorizationToken": "AWS ECS, to pull the image"}),
)
"""What a task needs before it runs."""

STARTS_TASKS: Final = (
    *STARTS_COMPACTION,
    Need("secret", {"secretsmanager:GetSecretValue": "AWS ECS, for the address of the database"}),
)

COMPACTOR: Final = (
    _LIST,
    Need("data", _GET, ("decoded/", "series/", "overview/")),
    Need("data", _PUT, ("series/", "overview/", "_state/nights/")),
    Need("data", _DELETE, ("series/", "overview/")),
    _REGISTERS,
)
"""The task of every night: what it deletes is what it has replaced."""

NIGHTLY: Final = (
    Need("compaction", {"ecs:RunTask": "AWS EventBridge, for the schedule"}, within="cluster"),
    Need(
        "task_roles",
        {"iam:PassRole": "AWS EventBridge, for the task that it starts"},
        conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
    ),
    Need("topic", {"sns:Publish": "AWS EventBridge, of a task that failed"}),
)

ROLES_OF_THE_LAKE: Final = ("decoder", "api", "edge", "control-room", "spark", "compactor")
"""Those that read or write its objects: the bucket's own policy refuses everybody else."""
