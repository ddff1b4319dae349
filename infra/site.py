"""One address for browsers: the dashboard's files from their bucket, everything about data from the service.

The service's address is made here, too, and empty: what answers there, and to whom, is the query stack's business.
"""

from pathlib import Path
from typing import Final

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from constructs import Construct

from api.headers import page_policy
from infra.bucket import make_bucket
from infra.deployment import Deployment
from infra.lake import LakeStack

API_PATHS: Final = ("/vehicles*", "/fleet/*", "/health", "/metrics", "/docs", "/openapi.json")
"""What the service answers. Where to sign in is a file beside the dashboard, for nobody has a token by then."""

_ROUTER: Final = Path(__file__).with_name("spa_router.js")


class SiteStack(Stack):
    """The front door.

    Attributes:
        bucket: The bucket of the dashboard's files.
        distribution: What browsers reach.
        api: The service's address, without routes.
    """

    def __init__(self, scope: Construct, name: str, deployment: Deployment, lake: LakeStack) -> None:
        super().__init__(scope, name, description="can-telemetry: the dashboard and the service's address")
        self.bucket = make_bucket(self, "Site", access_logs=lake.access_logs, kept_versions_days=30)
        self.api = gateway.CfnApi(
            self,
            "Api",
            name=deployment.name,
            protocol_type="HTTP",
            cors_configuration=_cors(deployment) if deployment.origins else None,
        )
        service = origins.HttpOrigin(
            f"{self.api.ref}.execute-api.{self.region}.{self.url_suffix}",
            protocol_policy=cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
            origin_ssl_protocols=[cloudfront.OriginSslPolicy.TLS_V1_2],
        )
        asked = cloudfront.BehaviorOptions(
            origin=service,
            viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
            allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
            cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
            origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
        )
        self.distribution = cloudfront.Distribution(
            self,
            "Distribution",
            comment=f"{deployment.name}: dashboard and service",
            default_root_object="index.html",
            web_acl_id=deployment.web_acl,
            minimum_protocol_version=cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            price_class=cloudfront.PriceClass.PRICE_CLASS_100,
            default_behavior=cloudfront.BehaviorOptions(
                origin=origins.S3BucketOrigin.with_origin_access_control(self.bucket),
                viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
                cache_policy=cloudfront.CachePolicy.CACHING_OPTIMIZED,
                compress=True,
                response_headers_policy=self._headers(deployment),
                function_associations=[
                    cloudfront.FunctionAssociation(
                        event_type=cloudfront.FunctionEventType.VIEWER_REQUEST,
                        function=cloudfront.Function(
                            self,
                            "Router",
                            code=cloudfront.FunctionCode.from_inline(_ROUTER.read_text()),
                            runtime=cloudfront.FunctionRuntime.JS_2_0,
                        ),
                    )
                ],
            ),
            additional_behaviors=dict.fromkeys(API_PATHS, asked),
        )
        CfnOutput(self, "CloudFrontDomain", value=self.distribution.distribution_domain_name)
        CfnOutput(self, "SiteBucket", value=self.bucket.bucket_name)

    @property
    def url(self) -> str:
        """The address of the dashboard, without a trailing slash."""
        return f"https://{self.distribution.distribution_domain_name}"

    def sign_in_url(self, deployment: Deployment) -> str:
        """The address of the sign-in page, without a trailing slash."""
        return _sign_in(deployment, self.region)

    def _headers(self, deployment: Deployment) -> cloudfront.ResponseHeadersPolicy:
        # the library's names of regions are no text that can be taken apart: they are put in afterwards
        policy = page_policy("https://cognito-idp.REGION.amazonaws.com", _sign_in(deployment, "REGION"))
        custom = {
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        }
        return cloudfront.ResponseHeadersPolicy(
            self,
            "Headers",
            security_headers_behavior=cloudfront.ResponseSecurityHeadersBehavior(
                content_security_policy=cloudfront.ResponseHeadersContentSecurityPolicy(
                    content_security_policy=policy.replace("REGION", self.region), override=True
                ),
                content_type_options=cloudfront.ResponseHeadersContentTypeOptions(override=True),
                frame_options=cloudfront.ResponseHeadersFrameOptions(
                    frame_option=cloudfront.HeadersFrameOption.DENY, override=True
                ),
                referrer_policy=cloudfront.ResponseHeadersReferrerPolicy(
                    referrer_policy=cloudfront.HeadersReferrerPolicy.NO_REFERRER, override=True
                ),
                strict_transport_security=cloudfront.ResponseHeadersStrictTransportSecurity(
                    access_control_max_age=Duration.days(365), override=True
                ),
            ),
            custom_headers_behavior=cloudfront.ResponseCustomHeadersBehavior(
                custom_headers=[
                    cloudfront.ResponseCustomHeader(header=header, value=value, override=True)
                    for header, value in custom.items()
                ]
            ),
        )


def _sign_in(deployment: Deployment, region: str) -> str:
    return f"https://{deployment.sign_in_prefix}.auth.{region}.amazoncognito.com"


def _cors(deployment: Deployment) -> gateway.CfnApi.CorsProperty:
    return gateway.CfnApi.CorsProperty(
        allow_origins=list(deployment.origins),
        allow_methods=["GET", "POST"],
        allow_headers=["authorization", "content-type", "if-none-match"],
        expose_headers=["content-disposition", "etag", "retry-after", "www-authenticate"],
        max_age=600,
    )
