"""The way into Dagster's pages: a load balancer that asks for a sign-in before it passes anything on.

Its people are a pool of their own: who may look at vehicles may not for that start runs.
"""

from typing import Final

from aws_cdk import Duration, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_elasticloadbalancingv2_actions as elb_actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.control_room import PAGES_PORT
from infra.deployment import Deployment
from infra.sign_in import make_pool

INSIDE: Final = "10.0.0.0/16"
"""The addresses of the control room's own network."""


class Entrance(Construct):
    """The load balancer and its sign-in.

    Args:
        scope: The stack.
        name: Its name in the stack.
        deployment: The settings: the pages' name, its certificate, and from where it is reached.
        vpc: The network; without named networks the entrance is inside it alone.
        webserver: What is behind it.
        access_logs: The bucket of its log.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        deployment: Deployment,
        *,
        vpc: ec2.Vpc,
        webserver: ecs.FargateService,
        access_logs: s3.Bucket,
    ) -> None:
        super().__init__(scope, name)
        networks = deployment.control_room_networks
        group = ec2.SecurityGroup(self, "Group", vpc=vpc, description="who may reach the sign-in")
        balancer = elb.ApplicationLoadBalancer(
            self,
            "Balancer",
            vpc=vpc,
            internet_facing=bool(networks),
            security_group=group,
            drop_invalid_header_fields=True,
            deletion_protection=True,
        )
        _write_log(balancer, access_logs)
        for network in networks or (INSIDE,):
            group.add_ingress_rule(ec2.Peer.ipv4(network), ec2.Port.tcp(443), "browsers")
        pool, domain = make_pool(
            self, f"{deployment.sign_in_prefix}-control-room", second_factor=deployment.second_factor
        )
        address = f"https://{deployment.control_room_domain}"
        client = pool.add_client(
            "Balancer",
            generate_secret=True,
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(authorization_code_grant=True),
                scopes=[cognito.OAuthScope.OPENID],
                callback_urls=[f"{address}/oauth2/idpresponse"],
                logout_urls=[address],
            ),
            prevent_user_existence_errors=True,
        )
        target = elb.ApplicationTargetGroup(
            self,
            "Pages",
            vpc=vpc,
            port=PAGES_PORT,
            protocol=elb.ApplicationProtocol.HTTP,
            targets=[webserver],
            deregistration_delay=Duration.seconds(30),
            health_check=elb.HealthCheck(path="/server_info", interval=Duration.seconds(30)),
        )
        balancer.add_listener(
            "Tls",
            port=443,
            open=False,
            ssl_policy=elb.SslPolicy.RECOMMENDED_TLS,
            certificates=[
                acm.Certificate.from_certificate_arn(
                    self, "Certificate", str(deployment.control_room_certificate)
                )
            ],
            default_action=elb_actions.AuthenticateCognitoAction(
                user_pool=pool,
                user_pool_client=client,
                user_pool_domain=domain,
                session_timeout=Duration.hours(8),
                next=elb.ListenerAction.forward([target]),
            ),
        )


def _write_log(balancer: elb.ApplicationLoadBalancer, bucket: s3.Bucket) -> None:
    # the library's own way wants to know the region beforehand
    balancer.set_attribute("access_logs.s3.enabled", "true")
    balancer.set_attribute("access_logs.s3.bucket", bucket.bucket_name)
    balancer.set_attribute("access_logs.s3.prefix", "entrance")
    bucket.add_to_resource_policy(
        iam.PolicyStatement(
            actions=["s3:PutObject"],
            resources=[bucket.arn_for_objects(f"entrance/AWSLogs/{Stack.of(bucket).account}/*")],
            principals=[iam.ServicePrincipal("logdelivery.elasticloadbalancing.amazonaws.com")],
        )
    )
    balancer.node.add_dependency(bucket.policy)
