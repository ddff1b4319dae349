"""Who may sign in: a user pool without self sign-up, one public client with PKCE, a group for each set of vehicles."""

from typing import Final

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from infra.deployment import Deployment

VEHICLES: Final = "telemetry:vehicles:"
"""What the name of a group begins with that shows vehicles; the rest is their ids, with `*` and `?`."""


class SignIn(Construct):
    """The user pool.

    Attributes:
        pool: The pool.
        client: The dashboard's client.
        domain: The pages where people sign in.
    """

    def __init__(self, scope: Construct, name: str, deployment: Deployment, *, site: str) -> None:
        super().__init__(scope, name)
        self.pool, self.domain = make_pool(
            self, deployment.sign_in_prefix, second_factor=deployment.second_factor
        )
        self.client = self.pool.add_client(
            "Dashboard",
            # a page keeps no secret: the code is bound to the tab by PKCE
            generate_secret=False,
            auth_flows=cognito.AuthFlow(user_srp=True),
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(authorization_code_grant=True, implicit_code_grant=False),
                scopes=[cognito.OAuthScope.OPENID],
                callback_urls=[f"{site}/"],
                logout_urls=[f"{site}/"],
            ),
            access_token_validity=Duration.hours(1),
            id_token_validity=Duration.hours(1),
            refresh_token_validity=Duration.days(30),
            prevent_user_existence_errors=True,
            enable_token_revocation=True,
        )
        for number, vehicles in enumerate(deployment.groups):
            cognito.CfnUserPoolGroup(
                self,
                f"Group{number}",
                user_pool_id=self.pool.user_pool_id,
                group_name=f"{VEHICLES}{vehicles}",
                description=f"sees the vehicles {vehicles}",
            )
        stack = Stack.of(self)
        CfnOutput(stack, "CognitoUserPoolId", value=self.pool.user_pool_id)
        CfnOutput(stack, "CognitoClientId", value=self.client.user_pool_client_id)

    @property
    def issuer(self) -> str:
        """The issuer of the pool's tokens, as they say it themselves."""
        return f"https://cognito-idp.{Stack.of(self).region}.amazonaws.com/{self.pool.user_pool_id}"


def make_pool(
    scope: Construct, prefix: str, *, second_factor: bool
) -> tuple[cognito.UserPool, cognito.UserPoolDomain]:
    """A pool of people whom somebody has let in, and the pages where they sign in.

    Args:
        scope: Where it belongs.
        prefix: What the address of its pages begins with; one in the whole region.
        second_factor: Whether nobody gets in without one; else everybody may set one.
    """
    pool = cognito.UserPool(
        scope,
        "Pool",
        self_sign_up_enabled=False,
        sign_in_aliases=cognito.SignInAliases(email=True),
        sign_in_case_sensitive=False,
        account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
        mfa=cognito.Mfa.REQUIRED if second_factor else cognito.Mfa.OPTIONAL,
        mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
        password_policy=cognito.PasswordPolicy(
            min_length=12,
            require_lowercase=True,
            require_uppercase=True,
            require_digits=True,
            require_symbols=True,
            temp_password_validity=Duration.days(3),
        ),
        deletion_protection=True,
        removal_policy=RemovalPolicy.RETAIN,
    )
    options = cognito.CognitoDomainOptions(domain_prefix=prefix)
    return pool, pool.add_domain("Domain", cognito_domain=options)
