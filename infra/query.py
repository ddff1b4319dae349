"""The query service: who may sign in, the function that answers, the routes that lead to it, and the dashboard's files.

Every route asks for a token but `/health`; the service looks at it a second time, and at the vehicles in it.
"""

from pathlib import Path
from typing import Final

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_deployment as deploy
from constructs import Construct

from infra.assets import Assets
from infra.deployment import Deployment
from infra.function import Function, retention
from infra.lake import LakeStack
from infra.permissions import API, ASKS_ATHENA
from infra.sign_in import SignIn
from infra.site import SiteStack

RATE: Final = 100
BURST: Final = 1_000
SCOPES: Final = "openid"
_LONGEST_S: Final = 29
"""The gateway answers for itself after thirty seconds."""

_LOG_FORMAT: Final = (
    '{"requestId":"$context.requestId","time":"$context.requestTime","ip":"$context.identity.sourceIp",'
    '"route":"$context.routeKey","path":"$context.path","status":"$context.status",'
    '"caller":"$context.authorizer.claims.sub","bytes":"$context.responseLength",'
    '"latency":"$context.responseLatency","error":"$context.error.messageString",'
    '"authorizerError":"$context.authorizer.error"}'
)


class QueryStack(Stack):
    """The service.

    Attributes:
        sign_in: The user pool.
        function: What answers.
        log: The gateway's log of who asked for what.
    """

    def __init__(  # noqa: PLR0917  what it is built on
        self,
        scope: Construct,
        name: str,
        deployment: Deployment,
        assets: Assets,
        lake: LakeStack,
        site: SiteStack,
    ) -> None:
        super().__init__(scope, name, description="can-telemetry: the query service")
        self.sign_in = SignIn(self, "SignIn", deployment, site=site.url)
        self.function = self._function(deployment, assets, lake)
        self.log = logs.LogGroup(
            self, "AccessLog", retention=retention(deployment.log_days), removal_policy=RemovalPolicy.RETAIN
        )
        self._routes(site.api.ref)
        self._dashboard(deployment, assets.dashboard, site)
        CfnOutput(self, "ApiUrl", value=f"https://{site.api.ref}.execute-api.{self.region}.{self.url_suffix}")
        CfnOutput(self, "DashboardUrl", value=site.url)

    def _function(self, deployment: Deployment, assets: Assets, lake: LakeStack) -> lambda_.Function:
        client = self.sign_in.client.user_pool_client_id
        settings = {
            "TELEMETRY_LAKE": lake.url,
            "TELEMETRY_AUTH_ISSUER": self.sign_in.issuer,
            "TELEMETRY_AUTH_AUDIENCE": client,
            "TELEMETRY_AUTH_CLIENT_ID": client,
            "TELEMETRY_AUTH_SCOPES": SCOPES,
        }
        if deployment.origins:
            settings["TELEMETRY_ORIGINS"] = ",".join(deployment.origins)
        asks = deployment.query == "athena"
        if asks:
            settings["TELEMETRY_ATHENA_WORKGROUP"] = lake.workgroup
            # sooner than the gateway: a question that nobody waits for is stopped
            settings["TELEMETRY_ATHENA_TIMEOUT"] = str(_LONGEST_S - 4)
        things = {
            "data": lake.data,
            "results": lake.results,
            "catalogue": lake.catalogue_arns,
            "workgroup": self.format_arn(
                service="athena", resource="workgroup", resource_name=deployment.name
            ),
        }
        return Function(
            self,
            "Service",
            name=f"{deployment.name}-api",
            handler="api.lambda_handler.handler",
            package=None,
            image=assets,
            needs=(*API, *ASKS_ATHENA) if asks else API,
            things=things,
            key=lake.key.key_arn if lake.key else None,
            environment=settings,
            memory_mb=2048,
            timeout=Duration.seconds(_LONGEST_S),
            at_once=deployment.api_concurrency,
            log_days=deployment.log_days,
        ).function

    def _routes(self, api: str) -> None:
        integration = gateway.CfnIntegration(
            self,
            "Integration",
            api_id=api,
            integration_type="AWS_PROXY",
            integration_uri=self.function.function_arn,
            payload_format_version="2.0",
        )
        lambda_.CfnPermission(
            self,
            "Invoked",
            action="lambda:InvokeFunction",
            function_name=self.function.function_arn,
            principal="apigateway.amazonaws.com",
            source_arn=self.format_arn(service="execute-api", resource=api, resource_name="*/*"),
        )
        authorizer = gateway.CfnAuthorizer(
            self,
            "Authorizer",
            api_id=api,
            authorizer_type="JWT",
            identity_source=["$request.header.Authorization"],
            name="tokens",
            jwt_configuration=gateway.CfnAuthorizer.JWTConfigurationProperty(
                issuer=self.sign_in.issuer, audience=[self.sign_in.client.user_pool_client_id]
            ),
        )
        target = f"integrations/{integration.ref}"
        gateway.CfnRoute(
            self, "Health", api_id=api, route_key="GET /health", authorization_type="NONE", target=target
        )
        gateway.CfnRoute(
            self,
            "Everything",
            api_id=api,
            route_key="ANY /{proxy+}",
            authorization_type="JWT",
            authorizer_id=authorizer.ref,
            target=target,
        )
        gateway.CfnStage(
            self,
            "Stage",
            api_id=api,
            stage_name="$default",
            auto_deploy=True,
            access_log_settings=gateway.CfnStage.AccessLogSettingsProperty(
                destination_arn=self.log.log_group_arn, format=_LOG_FORMAT
            ),
            default_route_settings=gateway.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=RATE, throttling_burst_limit=BURST, detailed_metrics_enabled=True
            ),
        )

    def _dashboard(self, deployment: Deployment, dist: Path, site: SiteStack) -> None:
        pages = site.sign_in_url(deployment)
        where = {
            "required": True,
            "issuer": self.sign_in.issuer,
            "client_id": self.sign_in.client.user_pool_client_id,
            "scopes": SCOPES,
            "authorization_endpoint": f"{pages}/oauth2/authorize",
            "token_endpoint": f"{pages}/oauth2/token",
            "end_session_endpoint": f"{pages}/logout",
        }
        assets = deploy.BucketDeployment(
            self,
            "Assets",
            sources=[deploy.Source.asset(str(dist))],
            destination_bucket=site.bucket,
            exclude=["*"],
            include=["assets/*"],
            prune=False,  # a page that is open still asks for the files of its own release
            cache_control=[deploy.CacheControl.from_string("public, max-age=31536000, immutable")],
        )
        pages_ = deploy.BucketDeployment(
            self,
            "Pages",
            sources=[deploy.Source.asset(str(dist)), deploy.Source.json_data("auth-config", where)],
            destination_bucket=site.bucket,
            exclude=["assets/*"],
            prune=False,
            cache_control=[deploy.CacheControl.from_string("no-cache")],
            distribution=site.distribution,
            distribution_paths=["/*"],
        )
        pages_.node.add_dependency(assets)
