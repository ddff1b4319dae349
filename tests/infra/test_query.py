"""The service's address: nobody asks without a token, nobody too often, and the pages are what the service would send."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from api import headers
from api.site import _API, _PAGES
from tests.infra.conftest import ROOT, Templates


def test_every_route_but_health_wants_a_token(either: Templates) -> None:
    routes = {it["RouteKey"]: it for it in either.resources("AWS::ApiGatewayV2::Route").values()}
    assert routes.keys() == {"GET /health", "ANY /{proxy+}"}
    assert routes["GET /health"]["AuthorizationType"] == "NONE"
    assert routes["ANY /{proxy+}"]["AuthorizationType"] == "JWT"
    authorizer = either.one("AWS::ApiGatewayV2::Authorizer")
    assert routes["ANY /{proxy+}"]["AuthorizerId"]["Ref"].startswith("Authorizer")
    assert authorizer["IdentitySource"] == ["$request.header.Authorization"]
    (audience,) = authorizer["JwtConfiguration"]["Audience"]
    assert "Dashboard" in audience["Ref"]
    issuer = authorizer["JwtConfiguration"]["Issuer"]["Fn::Join"][1]
    function = either.one("AWS::Lambda::Function", "query", "Service")
    assert function["Environment"]["Variables"]["TELEMETRY_AUTH_ISSUER"]["Fn::Join"][1] == issuer


def test_requests_are_throttled_and_written_down(either: Templates) -> None:
    stage = either.one("AWS::ApiGatewayV2::Stage")
    assert stage["StageName"] == "$default"
    limits = stage["DefaultRouteSettings"]
    assert (limits["ThrottlingRateLimit"], limits["ThrottlingBurstLimit"]) == (100, 1000)
    line = json.loads(stage["AccessLogSettings"]["Format"])
    assert {"requestId", "ip", "route", "status", "caller", "latency"} <= line.keys()


def test_pages_of_other_origins_are_named(alone: Templates, with_dagster: Templates) -> None:
    assert "CorsConfiguration" not in alone.one("AWS::ApiGatewayV2::Api")
    cors = with_dagster.one("AWS::ApiGatewayV2::Api")["CorsConfiguration"]
    assert cors["AllowOrigins"] == ["https://tools.example"]
    assert cors.get("AllowCredentials") is not True
    service = with_dagster.one("AWS::Lambda::Function", "query", "Service")
    assert service["Environment"]["Variables"]["TELEMETRY_ORIGINS"] == "https://tools.example"


def test_the_service_answers_before_the_gateway_does(alone: Templates) -> None:
    service = alone.one("AWS::Lambda::Function", "query", "Service")
    assert service["Timeout"] < 30
    assert int(service["Environment"]["Variables"]["TELEMETRY_ATHENA_TIMEOUT"]) < service["Timeout"]
    assert service["ReservedConcurrentExecutions"] == 10
    assert service["Architectures"] == ["arm64"]


def test_nobody_signs_up_by_himself(either: Templates) -> None:
    pool = either.one("AWS::Cognito::UserPool", "query")
    assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    assert pool["EnabledMfas"] == ["SOFTWARE_TOKEN_MFA"]
    assert pool["DeletionProtection"] == "ACTIVE"
    policy = pool["Policies"]["PasswordPolicy"]
    assert policy["MinimumLength"] == 12
    assert all(policy[f"Require{kind}"] for kind in ("Lowercase", "Uppercase", "Numbers", "Symbols"))


def test_a_second_factor_is_everybodys_or_may_be_set(alone: Templates, with_dagster: Templates) -> None:
    for found, wanted in ((alone, "OPTIONAL"), (with_dagster, "ON")):
        pools = found.resources("AWS::Cognito::UserPool").values()
        assert {pool["MfaConfiguration"] for pool in pools} == {wanted}


def test_the_dashboard_signs_in_with_a_code_and_no_secret(either: Templates) -> None:
    client = either.one("AWS::Cognito::UserPoolClient", "query", "Dashboard")
    assert client["AllowedOAuthFlows"] == ["code"]
    assert client["GenerateSecret"] is False
    assert client["AllowedOAuthScopes"] == ["openid"]
    assert client["PreventUserExistenceErrors"] == "ENABLED"
    assert (client["AccessTokenValidity"], client["RefreshTokenValidity"]) == (60, 43_200)
    assert "localhost" not in json.dumps(client["CallbackURLs"])


def test_groups_name_vehicles(with_dagster: Templates) -> None:
    groups = with_dagster.resources("AWS::Cognito::UserPoolGroup").values()
    assert [group["GroupName"] for group in groups] == [
        "telemetry:vehicles:EV_*",
        "telemetry:vehicles:TRUCK_7",
    ]


def distribution(found: Templates) -> dict[str, Any]:
    return found.one("AWS::CloudFront::Distribution")["DistributionConfig"]


def test_files_come_from_a_bucket_that_cloudfront_alone_may_read(either: Templates) -> None:
    config = distribution(either)
    assert config["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "redirect-to-https"
    files = [origin for origin in config["Origins"] if "S3OriginConfig" in origin]
    assert len(files) == 1
    assert files[0]["OriginAccessControlId"]
    assert files[0]["S3OriginConfig"].get("OriginAccessIdentity", "") == ""
    policy = either.one("AWS::S3::BucketPolicy", "site")["PolicyDocument"]["Statement"]
    allowed = [it for it in policy if it["Effect"] == "Allow"]
    assert [it["Principal"] for it in allowed] == [{"Service": "cloudfront.amazonaws.com"}]
    assert "AWS:SourceArn" in allowed[0]["Condition"]["StringEquals"]


def test_what_the_service_answers_is_passed_on_by_tls_and_never_kept(either: Templates) -> None:
    from infra.site import API_PATHS  # starts Node, which every worker would wait for

    passed = {it["PathPattern"]: it for it in distribution(either)["CacheBehaviors"]}
    assert passed.keys() == set(API_PATHS)
    for behaviour in passed.values():
        assert behaviour["ViewerProtocolPolicy"] == "https-only"
        assert "POST" in behaviour["AllowedMethods"]
        assert behaviour["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"  # CachingDisabled
        assert behaviour["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"  # all but Host
    first = {pattern.strip("/").partition("/")[0].rstrip("*") for pattern in API_PATHS}
    assert first == _API - {"auth-config"}
    assert "fleet" in _PAGES, "the page /fleet is a file's, what lies below it the service's"


def test_pages_are_sent_with_the_headers_of_the_service(either: Templates) -> None:
    sent = either.one("AWS::CloudFront::ResponseHeadersPolicy")["ResponseHeadersPolicyConfig"]
    security = sent["SecurityHeadersConfig"]
    assert security["FrameOptions"] == {"FrameOption": "DENY", "Override": True}
    assert security["ContentTypeOptions"] == {"Override": True}
    assert security["ReferrerPolicy"]["ReferrerPolicy"] == "no-referrer"
    hsts = security["StrictTransportSecurity"]["AccessControlMaxAgeSec"]
    assert f"max-age={hsts}" == headers._ONLY_TLS
    custom = {it["Header"]: it["Value"] for it in sent["CustomHeadersConfig"]["Items"]}
    own = {"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"}
    assert custom | own == headers._ALWAYS
    policy = "".join(
        part if isinstance(part, str) else "eu-west-1"
        for part in security["ContentSecurityPolicy"]["ContentSecurityPolicy"]["Fn::Join"][1]
    )
    prefix = (
        "fleet-example" if "fleet" in str(either.one("AWS::Athena::WorkGroup")["Name"]) else "can-telemetry"
    )
    assert policy == headers.page_policy(
        "https://cognito-idp.eu-west-1.amazonaws.com", f"https://{prefix}.auth.eu-west-1.amazoncognito.com"
    )


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ("/", "/index.html"),
        ("/fleet", "/index.html"),
        ("/a/page/of/tomorrow", "/index.html"),
        ("/assets/index-1a2b.js", "/assets/index-1a2b.js"),
        ("/favicon.svg", "/favicon.svg"),
        ("/auth-config", "/auth-config"),
    ],
)
def test_pages_lead_to_the_dashboard_and_files_to_themselves(asked: str, served: str, tmp_path: Path) -> None:
    router = (ROOT / "infra" / "spa_router.js").read_text()
    script = tmp_path / "try.js"
    script.write_text(f"{router}\nconsole.log(handler({{request: {{uri: {json.dumps(asked)}}}}}).uri);\n")
    node = ["node"] if shutil.which("node") else [str(ROOT / "scripts" / "with-node"), "node"]
    done = subprocess.run([*node, str(script)], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == served


def test_the_dashboard_is_told_where_to_sign_in(alone: Templates) -> None:
    uploads = alone.resources("Custom::CDKBucketDeployment", "query")
    (pages,) = [it for name, it in uploads.items() if "Pages" in name]
    told = json.dumps(pages["SourceMarkers"])
    assert "Dashboard" in told, "the client's id is put in when it is deployed"
    assert pages["SystemMetadata"]["cache-control"] == "no-cache"
    (assets,) = [it for name, it in uploads.items() if "Assets" in name]
    assert "immutable" in assets["SystemMetadata"]["cache-control"]
    assert assets["Prune"] is pages["Prune"] is False


def test_a_web_acl_stands_in_front_where_there_is_one(with_dagster: Templates, alone: Templates) -> None:
    found = with_dagster.one("AWS::CloudFront::Distribution")["DistributionConfig"]
    assert found["WebACLId"] == "arn:aws:wafv2:us-east-1:123456789012:global/webacl/fleet/0000"
    assert "WebACLId" not in alone.one("AWS::CloudFront::Distribution")["DistributionConfig"]
