"""deploy/ fits the source: files, commands, options, settings and Dagster's own schemas. Nothing here runs a container.

What images are made of is `test_recipes`' business.
"""

import inspect
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster._config import Shape, validate_config
from dagster._core.execution import asset_backfill
from dagster._core.instance.config import dagster_instance_config_schema
from dagster_aws.ecs import EcsRunLauncher
from dagster_aws.s3.compute_log_manager import S3ComputeLogManager

from telemetry_pipeline.settings import Settings
from tests.recipes import Recipe

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
HELM = yaml.safe_load((DEPLOY / "helm-values.yaml").read_text())
STAGES = {stage.name: stage for stage in Recipe.read(DEPLOY / "Dockerfile").stages}
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
INSTANCES = [DEPLOY / "instance" / "postgres.yaml", DEPLOY / "instance" / "ecs.yaml"]


def commands() -> Iterator[list[str]]:
    """Every command that something under deploy/ starts from the virtual environment."""
    for stage in STAGES.values():
        for rest in (*stage.all("CMD"), *stage.all("HEALTHCHECK")):
            words = yaml.safe_load(rest.removeprefix("CMD "))
            yield words if isinstance(words, list) else []
    for service in COMPOSE["services"].values():
        yield service.get("command", [])
        test = service.get("healthcheck", {}).get("test", [])
        yield test[1:] if test[:1] == ["CMD"] else []
    for unit in UNITS:
        for line in re.findall(
            r"^ExecStart(?:Pre)?=/opt/can-telemetry/.venv/bin/(.*)", unit.read_text(), re.MULTILINE
        ):
            yield shlex.split(line)


def test_dagster_reads_the_instances() -> None:
    schema = Shape(dagster_instance_config_schema())
    for path in INSTANCES:
        result = validate_config(schema, yaml.safe_load(path.read_text()))
        assert result.success, (path.name, result.errors)
    ecs = yaml.safe_load(INSTANCES[1].read_text())
    for block, cls in (("run_launcher", EcsRunLauncher), ("compute_logs", S3ComputeLogManager)):
        result = validate_config(Shape(cls.config_type()), ecs[block]["config"])
        assert result.success, (block, result.errors)
        assert ecs[block]["class"] == cls.__name__


def limits(limit_list: list[dict[str, Any]]) -> dict[str, int]:
    return {item.get("value", item["key"]): item["limit"] for item in limit_list}


def test_every_deployment_leaves_room_for_live_decoding() -> None:
    queues = [yaml.safe_load(path.read_text())["concurrency"]["runs"] for path in INSTANCES]
    helm = HELM["dagsterDaemon"]["runCoordinator"]["config"]["queuedRunCoordinator"]
    queues.append(
        {
            "max_concurrent_runs": helm["maxConcurrentRuns"],
            "tag_concurrency_limits": helm["tagConcurrencyLimits"],
        }
    )
    for queue in queues:
        found = limits(queue["tag_concurrency_limits"])
        assert set(found) == {"drain", "reconcile", "retention", "roll_up", "dagster/backfill"}
        assert sum(found.values()) < queue["max_concurrent_runs"]


def test_compose_refers_to_what_it_has() -> None:
    services, targets = COMPOSE["services"], set(STAGES)
    for name, service in services.items():
        for other, condition in service.get("depends_on", {}).items():
            assert other in services, name
            if condition["condition"] == "service_healthy":
                assert "healthcheck" in services[other], other
        for mount in service.get("volumes", []):
            assert mount.split(":")[0] in COMPOSE["volumes"], mount
        if "build" in service:
            assert service["build"]["target"] in targets
            assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).exists()
        else:
            assert ":" in service["image"]
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), "open to the network"


def test_the_locks_hold_one_version_of_everything() -> None:
    def versions(path: Path) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9_.-]+)==([^ ;]+)", path.read_text(), re.MULTILINE))

    ours, beside = versions(ROOT / "requirements.lock"), versions(DEPLOY / "requirements-k8s.lock")
    assert beside["dagster-k8s"] == ours["dagster-aws"]
    assert {name: ours[name] for name in beside.keys() & ours.keys()} == {
        name: beside[name] for name in beside.keys() & ours.keys()
    }
    assert "://" not in (DEPLOY / "requirements-k8s.lock").read_text()


def test_compose_gives_dagster_the_variables_that_it_asks_for() -> None:
    given = set(COMPOSE["x-pipeline"]["environment"])
    for path in (INSTANCES[0], DEPLOY / "instance" / "workspace.yaml"):
        assert set(re.findall(r"env: (\w+)", path.read_text())) <= given
    unit_file = (DEPLOY / "systemd" / "telemetry.env").read_text()
    units = dict(re.findall(r"^(\w+)=(.*)", unit_file, re.MULTILINE))
    for path in (INSTANCES[0], DEPLOY / "instance" / "workspace.yaml"):
        assert set(re.findall(r"env: (\w+)", path.read_text())) <= set(units)
    for url in (units["DAGSTER_POSTGRES_URL"], COMPOSE["x-pipeline"]["environment"]["DAGSTER_POSTGRES_URL"]):
        assert url.startswith("postgresql+psycopg2://")
    Settings.from_env(units)
    for service in COMPOSE["services"].values():
        env = service.get("environment", {})
        Settings.from_env({name: re.sub(r"\$\{\w+:-(.*)\}", r"\1", value) for name, value in env.items()})


def test_a_daemon_that_starts_before_the_code_server_fails_no_backfill() -> None:
    variable = "DAGSTER_BACKFILL_RETRY_DEFINITION_CHANGED_ERROR"
    # Compose and ECS run this image
    (pipeline,) = STAGES["pipeline"].all("ENV")
    assert f"{variable}=1" in pipeline.split()
    assert HELM["dagsterDaemon"]["env"][variable] == "1"
    assert f"{variable}=1" in (DEPLOY / "systemd" / "telemetry.env").read_text().splitlines()
    assert variable in inspect.getsource(asset_backfill), "Dagster no longer knows it"


@pytest.mark.slow
def test_every_command_exists_and_takes_its_options() -> None:
    helps: dict[tuple[str, ...], str] = {}
    seen = 0
    for words in commands():
        if not words or words[0] == "python" or "handler" in words[0]:
            continue
        seen += 1
        assert (BIN / words[0]).exists(), words
        # the subcommands stand before the first option
        head = tuple(words[: next((k for k, word in enumerate(words) if word.startswith("-")), len(words))])
        if head not in helps:
            asked = subprocess.run(
                [BIN / head[0], *head[1:], "--help"], capture_output=True, text=True, timeout=120, check=False
            )
            assert asked.returncode == 0, (head, asked.stderr)
            helps[head] = asked.stdout
        for word in words:
            if word.startswith("-"):
                assert re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", helps[head]), (words, word)
    assert seen >= 10


# what the chart's own schema knows (helm/dagster/schema of Dagster's sources)
CHART = {
    "": """global serviceAccount dagster-user-deployments runLauncher dagsterDaemon dagsterWebserver computeLogManager
        postgresql generatePostgresqlPasswordSecret retention telemetry additionalInstanceConfig""",
    "global": "postgresqlSecretName dagsterHome serviceAccountName celeryConfigSecretName",
    "serviceAccount": "create name annotations",
    "dagster-user-deployments": "enabled enableSubchart imagePullSecrets deployments",
    "dagster-user-deployments.deployments": """name image port dagsterApiGrpcArgs codeServerArgs env envConfigMaps
        envSecrets includeConfigInLaunchedRuns annotations nodeSelector affinity tolerations podSecurityContext
        securityContext resources livenessProbe readinessProbe startupProbe labels volumeMounts volumes""",
    "runLauncher": "type config",
    "runLauncher.config.k8sRunLauncher": """image imagePullPolicy jobNamespace loadInclusterConfig kubeconfigFile
        envConfigMaps envSecrets envVars volumeMounts volumes labels failPodOnRunFailure resources runK8sConfig""",
    "runLauncher.config.k8sRunLauncher.runK8sConfig": """containerConfig podSpecConfig podTemplateSpecMetadata
        jobSpecConfig jobMetadata""",
    "dagsterDaemon": """enabled image runCoordinator heartbeatTolerance env envConfigMaps envSecrets deploymentLabels
        labels nodeSelector affinity tolerations podSecurityContext securityContext resources livenessProbe
        readinessProbe startupProbe annotations runMonitoring runRetries sensors schedules backfills""",
    "dagsterDaemon.runCoordinator": "enabled type config",
    "dagsterDaemon.runCoordinator.config.queuedRunCoordinator": """maxConcurrentRuns tagConcurrencyLimits
        dequeueIntervalSeconds dequeueNumWorkers dequeueUseThreads blockOpConcurrencyLimitedRuns""",
    "dagsterDaemon.runMonitoring": """enabled startTimeoutSeconds cancelTimeoutSeconds maxRuntimeSeconds
        maxResumeRunAttempts pollIntervalSeconds freeSlotsAfterRunEndSeconds""",
    "dagsterDaemon.runRetries": "enabled maxRetries retryOnAssetOrOpFailure",
    "computeLogManager": "type config",
    "computeLogManager.config.s3ComputeLogManager": "bucket localDir prefix useSsl verify verifyCertPath endpointUrl",
    "postgresql": """enabled image postgresqlHost postgresqlUsername postgresqlPassword postgresqlDatabase
        postgresqlParams postgresqlScheme service""",
    "retention": "enabled sensor schedule autoMaterialize",
}


@pytest.mark.parametrize("where", CHART)
def test_the_chart_knows_every_value(where: str) -> None:
    values = HELM
    for part in filter(None, where.split(".")):
        values = values[part]
    for item in values if isinstance(values, list) else [values]:
        assert item
        assert set(item) <= set(CHART[where].split())


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_systemd_reads_the_units(unit: Path, tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd-analyze")
    text = unit.read_text()
    for path in re.findall(r"/opt/can-telemetry/(deploy/\S+)", text):
        assert (ROOT / path).exists(), path
    for name in {"telemetry-code.service", unit.name}:
        body = (unit.parent / name).read_text().replace("/opt/can-telemetry/.venv/bin", str(BIN))
        (tmp_path / name).write_text(body.replace("User=telemetry", "User=root"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=one", str(tmp_path / unit.name)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = [line for line in (done.stdout + done.stderr).splitlines() if unit.name in line]
    assert said == [], said
