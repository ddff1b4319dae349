"""Dagster's control room: private, behind a sign-in of its own, and started as the recipes say."""

import json
from typing import Any

import yaml

from telemetry_pipeline.settings import Settings
from tests.infra.conftest import ROOT, Templates
from tests.recipes import Recipe

ECS = yaml.safe_load((ROOT / "deploy" / "instance" / "ecs.yaml").read_text())


def containers(found: Templates) -> dict[str, dict[str, Any]]:
    return {
        container["Name"]: container
        for task in found.resources("AWS::ECS::TaskDefinition", "orchestrate").values()
        for container in task["ContainerDefinitions"]
    }


def test_three_services_of_one_image_without_addresses_of_their_own(with_dagster: Templates) -> None:
    services = with_dagster.resources("AWS::ECS::Service", "orchestrate")
    assert len(services) == 3
    for service in services.values():
        network = service["NetworkConfiguration"]["AwsvpcConfiguration"]
        assert network["AssignPublicIp"] == "DISABLED"
        assert all("services" in json.dumps(subnet) for subnet in network["Subnets"])
    images = {json.dumps(it["Image"]) for it in containers(with_dagster).values()}
    assert len(images) == 1


def test_commands_are_those_of_the_recipes(with_dagster: Templates) -> None:
    compose = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]
    made = containers(with_dagster)
    assert made.keys() == {"migrate", "code", "daemon", "webserver"}
    for name, container in made.items():
        assert container["Command"] == compose[name]["command"], name
    assert made["code"]["DependsOn"] == [{"ContainerName": "migrate", "Condition": "SUCCESS"}]


def test_processes_write_to_a_volume_of_their_task_alone(with_dagster: Templates) -> None:
    for task in with_dagster.resources("AWS::ECS::TaskDefinition", "orchestrate").values():
        assert task["Volumes"] == [{"Name": "scratch"}]
        for container in task["ContainerDefinitions"]:
            assert container["ReadonlyRootFilesystem"] is True, container["Name"]
            assert container["MountPoints"] == [
                {"ContainerPath": "/tmp", "ReadOnly": False, "SourceVolume": "scratch"}
            ]
    recipe = Recipe.read(ROOT / "deploy" / "Dockerfile")
    (stage,) = [stage for stage in recipe.stages if stage.name == "ecs"]
    assert stage.all("VOLUME") == ["/tmp"], "else the volume is root's, and no process can write to it"
    assert stage.all("USER")[-1] == "10001"


def test_one_daemon_at_a_time(with_dagster: Templates) -> None:
    services = with_dagster.resources("AWS::ECS::Service", "orchestrate")
    (daemon,) = [it for name, it in services.items() if "Daemon" in name]
    assert daemon["DesiredCount"] == 1
    assert daemon["DeploymentConfiguration"]["MaximumPercent"] == 100


def test_processes_start_with_settings_that_are_known(with_dagster: Templates, with_glue: Templates) -> None:
    told = {
        "TELEMETRY_LAKE": "s3://bucket",
        "TELEMETRY_INBOX_QUEUE": "https://sqs.eu-west-1.amazonaws.com/123456789012/landed",
        "TELEMETRY_ALERT_TOPIC": "arn:aws:sns:eu-west-1:123456789012:alarms",
    }
    for found, decoder in ((with_dagster, "lambda:fleet-decoder"), (with_glue, "glue:can-telemetry-spark")):
        for container in containers(found).values():
            given = {it["Name"]: it["Value"] for it in container["Environment"]}
            settings = Settings.from_env(
                {
                    name: value if isinstance(value, str) else told.get(name, "x")
                    for name, value in given.items()
                }
            )
            assert settings.decoder == decoder
            assert settings.inbox_queue == told["TELEMETRY_INBOX_QUEUE"]
            assert given["DAGSTER_HOME"] == "/opt/dagster/ecs"
            assert [it["Name"] for it in container["Secrets"]] == ["DAGSTER_POSTGRES_URL"]


def test_runs_inherit_the_secret_and_never_its_text() -> None:
    launcher = ECS["run_launcher"]["config"]
    assert launcher["use_current_ecs_task_config"] is True
    assert launcher["secrets_tag"] is None, "else every run looks through the account's secrets"
    assert "env_vars" not in launcher, "they would be put down beside the secret, in clear"


def test_the_image_has_the_instance_where_the_tasks_look_for_it() -> None:
    assert (
        "COPY deploy/instance/ecs.yaml /opt/dagster/ecs/dagster.yaml"
        in (ROOT / "deploy" / "Dockerfile").read_text()
    )


def test_the_books_are_private_encrypted_and_kept(with_dagster: Templates) -> None:
    database = with_dagster.one("AWS::RDS::DBInstance")
    assert database["Engine"] == "postgres"
    assert database["PubliclyAccessible"] is False
    assert database["StorageEncrypted"] is True
    assert database["DeletionProtection"] is True
    assert database["BackupRetentionPeriod"] == 14
    assert "resolve:secretsmanager" in json.dumps(database["MasterUserPassword"])
    address = with_dagster.one("AWS::SecretsManager::Secret", "orchestrate", "Address")["SecretString"]
    assert "postgresql+psycopg2://dagster:" in json.dumps(address)
    # that this is obeyed: tests/test_certificates.py
    assert "/dagster?sslmode=verify-full&sslrootcert=" in json.dumps(address)
    assert "resolve:secretsmanager" in json.dumps(address)


def test_pages_are_shown_to_who_signed_in_alone(with_dagster: Templates, with_glue: Templates) -> None:
    listener = with_dagster.one("AWS::ElasticLoadBalancingV2::Listener")
    assert listener["Protocol"] == "HTTPS"
    assert [action["Type"] for action in listener["DefaultActions"]] == ["authenticate-cognito", "forward"]
    assert listener["DefaultActions"][0]["AuthenticateCognitoConfig"].get("OnUnauthenticatedRequest") in (
        None,
        "authenticate",
    )
    pools = with_dagster.resources("AWS::Cognito::UserPool")
    assert len(pools) == 2, "people of the control room are others than the vehicles'"
    assert all(pool["AdminCreateUserConfig"]["AllowAdminCreateUserOnly"] for pool in pools.values())
    schemes = [
        found.one("AWS::ElasticLoadBalancingV2::LoadBalancer")["Scheme"]
        for found in (with_dagster, with_glue)
    ]
    assert schemes == ["internet-facing", "internal"]


def test_the_entrance_is_reached_from_named_networks(with_dagster: Templates) -> None:
    group = with_dagster.one("AWS::EC2::SecurityGroup", "orchestrate", "EntranceGroup")
    assert [(it["CidrIp"], it["FromPort"]) for it in group["SecurityGroupIngress"]] == [("192.0.2.0/24", 443)]


def test_the_glue_job_has_the_libraries_of_the_lock_file(with_glue: Templates) -> None:
    from infra.spark import LIBRARIES, pins  # starts Node, which every worker would wait for

    job = with_glue.one("AWS::Glue::Job")
    assert job["MaxRetries"] == 0
    wanted = pins(ROOT / "requirements.lock", LIBRARIES)
    assert job["DefaultArguments"]["--additional-python-modules"].split(",") == wanted
    lock = (ROOT / "requirements.lock").read_text()
    assert all(pin in lock for pin in wanted)
    assert {pin.partition("==")[0] for pin in wanted} == set(LIBRARIES)


def test_one_lake_has_one_decoder(with_glue: Templates) -> None:
    assert not with_glue.resources("AWS::Lambda::EventSourceMapping")
    assert not [name for name in with_glue.resources("AWS::Lambda::Function") if "Decoder" in name]
