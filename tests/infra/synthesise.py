"""`python -m tests.infra.synthesise FOLDER`: the templates of every variant of a deployment, over packages that hold nothing.

All of them by one process: what takes long is to start the library. Fails where a rule of AWS Solutions is broken, as the
real synthesis does.
"""

import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

from infra.app import build
from infra.assets import ROOT, Assets
from infra.deployment import Deployment

VARIANTS: dict[str, dict[str, Any]] = {
    "alone": {},
    "with_dagster": {
        "name": "fleet",
        "decoder": "dagster",
        "work": "lambda",
        "query": "parquet",
        "kms": True,
        "replica": "arn:aws:s3:::a-copy",
        "replica_key": "arn:aws:kms:eu-central-1:123456789012:key/0000",
        "people": ["arn:aws:iam::123456789012:role/analysts-*"],
        "groups": ["EV_*", "TRUCK_7"],
        "origins": ["https://tools.example"],
        "web_acl": "arn:aws:wafv2:us-east-1:123456789012:global/webacl/fleet/0000",
        "second_factor": True,
        "sign_in_prefix": "fleet-example",
        "edge_settings": True,
        "edge_metrics": True,
        "alarm_email": "oncall@example.com",
        "control_room_domain": "dagster.example.com",
        "control_room_certificate": "arn:aws:acm:eu-west-1:123456789012:certificate/0000",
        "control_room_networks": ["192.0.2.0/24"],
    },
}
VARIANTS["with_glue"] = {
    "decoder": "dagster",
    "work": "glue",
    "kms": True,
    "control_room_domain": "dagster.example.com",
    "control_room_certificate": "arn:aws:acm:eu-west-1:123456789012:certificate/0000",
}


def stand_ins(folder: Path) -> Assets:
    """Packages, images and a dashboard of a few bytes each."""
    (folder / "api").mkdir(parents=True)
    (folder / "api" / "Dockerfile").write_text("FROM scratch AS compact\n")
    (folder / "site").mkdir()
    (folder / "site" / "index.html").write_text("<!doctype html>")
    (folder / "source" / "deploy").mkdir(parents=True)
    (folder / "source" / "telemetry_pipeline").mkdir()
    (folder / "source" / "telemetry_pipeline" / "spark_job.py").write_text('"""Nothing."""\n')
    shutil.copy(ROOT / "requirements.lock", folder / "source")
    (folder / "source" / "deploy" / "Dockerfile").write_text("FROM scratch AS pipeline\n")
    with zipfile.ZipFile(folder / "decoder.zip", "w") as package:
        package.writestr(zipfile.ZipInfo("handler.py"), "")
    return Assets(
        decoder=folder / "decoder.zip",
        api=folder / "api",
        dashboard=folder / "site",
        pipeline=folder / "source",
    )


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    assets = stand_ins(folder / "assets")
    for variant, settings in VARIANTS.items():
        build(Deployment.from_dict(settings, variant), assets, folder / variant).synth()
