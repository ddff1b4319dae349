"""All stacks of a deployment, and how they hang together: `python -m infra.app` writes their templates.

What the CDK's command line runs, too. No account is asked for anything: templates are the same for every account.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from aws_cdk import App, Stack, Tags, Validations
from aws_cdk import aws_lambda as lambda_
from cdk_nag import AwsSolutionsChecks

from infra.assets import ROOT, Assets
from infra.decode import DecodeStack
from infra.deployment import Deployment
from infra.lake import LakeStack
from infra.observe import ObserveStack
from infra.orchestrate import OrchestrateStack
from infra.query import QueryStack
from infra.site import SiteStack
from infra.suppressions import acknowledge, acknowledge_uploader
from telemetry_pipeline.errors import BadSetting

_FLAGS: Final = {
    # how the library behaves where it keeps an older way for those who began with that
    "@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy": True,
    "@aws-cdk/core:enablePartitionLiterals": True,
    "@aws-cdk/aws-iam:minimizePolicies": True,
    "@aws-cdk/aws-ec2:restrictDefaultSecurityGroup": False,
}
_OUT: Final = ROOT / "build" / "cdk.out"


def build(deployment: Deployment, assets: Assets, out: Path) -> App:
    """Make every stack of a deployment; nothing is written before `synth`."""
    app = App(outdir=str(out), analytics_reporting=False, context=_FLAGS)
    lake = LakeStack(app, f"{deployment.name}-lake", deployment)
    decoder: lambda_.IFunction | None = None
    failed: list[str] = []
    stacks: list[Stack] = [lake]
    if deployment.has_function:
        decode = DecodeStack(app, f"{deployment.name}-decode", deployment, assets, lake)
        decoder = decode.decoder
        if decode.failed_hours is not None:
            failed.append(decode.failed_hours.queue_name)
        stacks.append(decode)
    site = SiteStack(app, f"{deployment.name}-site", deployment, lake)
    query = QueryStack(app, f"{deployment.name}-query", deployment, assets, lake, site)
    stacks += [site, query]
    if deployment.decoder == "dagster":
        invoked = decoder.function_arn if decoder is not None else None
        stacks.append(
            OrchestrateStack(app, f"{deployment.name}-orchestrate", deployment, assets, lake, invoked)
        )
    functions = {"api": query.function.function_name}
    if decoder is not None:
        functions["decoder"] = decoder.function_name
    observe = ObserveStack(
        app,
        f"{deployment.name}-observe",
        deployment,
        lake,
        functions=functions,
        api=site.api.ref,
        failed=failed,
    )
    Tags.of(app).add("application", deployment.name)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    acknowledge([*stacks, observe])
    acknowledge_uploader(query, site.bucket)
    return app


def main(argv: Sequence[str] | None = None) -> int:
    """Write the templates; 2 when a setting will not do or something is not built."""
    parser = argparse.ArgumentParser(prog="python -m infra.app", description=__doc__.partition("\n")[0])
    parser.add_argument("--settings", type=Path, default=ROOT / "infra" / "deployment.yaml")
    parser.add_argument("--out", type=Path, default=_OUT, help="where the templates go")
    chosen = parser.parse_args(argv)
    try:
        deployment, assets = Deployment.read(chosen.settings), Assets()
        assets.check()
    except BadSetting as error:
        sys.stderr.write(f"{error}\n")
        return 2
    made = build(deployment, assets, chosen.out).synth().stacks
    sys.stdout.write(f"{len(made)} templates in {chosen.out}: {', '.join(it.stack_name for it in made)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
