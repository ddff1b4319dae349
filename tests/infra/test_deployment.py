"""What a deployment's file may say: each wrong value is refused with what to write instead."""

from pathlib import Path
from typing import Any

import pytest

from infra.deployment import Deployment
from telemetry_pipeline.errors import BadSetting

DAGSTER = {
    "decoder": "dagster",
    "control_room_domain": "x.example",
    "control_room_certificate": "arn:aws:acm:x",
}
COPIED = {"kms": True, "replica": "arn:aws:s3:::a-copy"}


@pytest.mark.parametrize(
    ("values", "what", "remedy"),
    [
        ({"nmae": "fleet"}, "no setting 'nmae'", "Did you mean name"),
        ({"name": "Fleet"}, "name: 'Fleet'", "a-z"),
        ({"kms": "yes"}, "kms: 'yes'", "true or false"),
        ({"budget_usd": 0}, "budget_usd: 0", "100"),
        ({"people": "me"}, "people: 'me'", "a list: [one"),
        ({"query": "spark"}, "query: 'spark'", "athena, parquet"),
        ({"work": "glue"}, "without Dagster", "decoder: dagster"),
        ({"decoder": "dagster"}, "nobody could sign in", "control_room_domain"),
        ({"origins": ["*"]}, "everybody", "Name each"),
        ({"replica": "a-copy"}, "is no ARN", "arn:aws:s3:::bucket"),
        (COPIED, "S3 copies nothing", "replica_key"),
        ({**COPIED, "replica_key": "alias/copy"}, "is no ARN of a key", "arn:aws:kms:region"),
        (
            {"web_acl": "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/fleet/0000"},
            "no ARN of a web ACL for CloudFront",
            "us-east-1",
        ),
    ],
)
def test_what_will_not_do_is_refused(values: dict[str, Any], what: str, remedy: str) -> None:
    with pytest.raises(BadSetting) as refused:
        Deployment.from_dict(values, "fleet.yaml")
    assert what in refused.value.what
    assert remedy in refused.value.remedy
    assert refused.value.where == "fleet.yaml"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (None, "cannot be read (No such file or directory)"),
        (b"name: fleet\norigins: [a\n", "line 3"),
        (b"name: \xff\n", "not YAML"),
        (b"- name\n", "not a list of settings"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_one_line(
    text: bytes | None, what: str, tmp_path: Path
) -> None:
    path = tmp_path / "fleet.yaml"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(BadSetting) as refused:
        Deployment.read(path)
    assert what in refused.value.what
    assert "\n" not in str(refused.value)
    assert refused.value.where == str(path)


def test_what_will_do_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text("name: fleet\nkms: true\ngroups: [EV_*]\n")
    read = Deployment.read(path)
    assert (read.name, read.kms, read.groups) == ("fleet", True, ("EV_*",))
    key = "arn:aws:kms:eu-central-1:123456789012:key/0000"
    assert Deployment.from_dict({**COPIED, "replica_key": key}, "x").replica_key == key
    assert Deployment.from_dict({**DAGSTER, "work": "glue"}, "x").work == "glue"
    path.write_text("")
    assert Deployment.read(path) == Deployment()
