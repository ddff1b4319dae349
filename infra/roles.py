"""Roles made from the table of permissions: exactly its rows, for exactly what a stack hands over."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.permissions import Need

Things = Mapping[str, "str | Sequence[str] | s3.Bucket"]
"""What permissions are of, by the names of the table: buckets, or ARNs."""

_KMS: Final = {"s3:GetObject": "kms:Decrypt", "s3:PutObject": "kms:GenerateDataKey"}
_PREFIX: Final = "A prefix of one bucket: what lies below it is made while the platform runs"
_NAMED_LATER: Final = (
    "What it is of is made, and named by others, while the platform runs: the part that is known stands"
)
_ANYTHING: Final = "AWS knows no resource for this action"


def make_role(
    scope: Construct,
    name: str,
    service: str,
    needs: Sequence[Need],
    things: Things,
    *,
    key: str | None = None,
) -> iam.Role:
    """A role that may do what the rows say; nothing adds to it.

    Args:
        scope: Where it belongs.
        name: Its name in AWS.
        service: Who takes it.
        needs: Its rows of the table.
        things: What they are of.
        key: The ARN of the key that the lake and the results are encrypted with, if they have one of their own.
    """
    statements = [_statement(need, things) for need in needs]
    if key:
        statements += _uses(key, _keyed(needs, things), Stack.of(scope).region)
    role = iam.Role(
        scope,
        "Role",
        role_name=name,
        assumed_by=for_this_account(scope, service),
        inline_policies={"needs": iam.PolicyDocument(statements=statements)},
    )
    for need in needs:
        for shown, reason in _wildcards(need, things[need.of], Stack.of(scope)):
            acknowledge_wildcard(role, f"Resource::{shown}", reason)
    return role


def through_s3(region: str, buckets: Sequence[str]) -> dict[str, dict[str, object]]:
    """Conditions under which a key is used for what lies in buckets, by S3 alone: nobody asks KMS himself.

    Args:
        region: Where the buckets are.
        buckets: Their ARNs. With a key of the bucket S3 names the bucket as what a key is for, without one the object.
    """
    return {
        "StringEquals": {"kms:ViaService": f"s3.{region}.amazonaws.com"},
        "StringLike": {
            "kms:EncryptionContext:aws:s3:arn": [arn for it in buckets for arn in (it, f"{it}/*")]
        },
    }


def for_this_account(scope: Construct, service: str) -> iam.PrincipalBase:
    """A service that takes a role; where it says for which account, that has to be this one. Some never say it."""
    return iam.ServicePrincipal(service).with_conditions(
        {"StringEqualsIfExists": {"aws:SourceAccount": Stack.of(scope).account}}
    )


def acknowledge_wildcard(construct: Construct, finding: str, reason: str, rule: str = "IAM5") -> None:
    """Put aside one finding of the rule on wildcards, for one construct."""
    told = Acknowledgment(id=f"AwsSolutions::AwsSolutions-{rule}[{finding}]", reason=reason)
    Validations.of(construct).acknowledge(told)


def shown_arn(bucket: s3.Bucket) -> str:
    """A bucket's ARN as findings in another stack than the bucket's show it."""
    owner = Stack.of(bucket)
    return str(owner.resolve(owner.export_value(bucket.bucket_arn))["Fn::ImportValue"])


def _own_arn(bucket: s3.Bucket) -> str:
    """A bucket's ARN as findings in its own stack show it."""
    return f"<{Stack.of(bucket).get_logical_id(bucket.node.default_child)}.Arn>"


def _shown(stack: Stack, arn: str) -> str:
    """An ARN as findings show it: references by the names of what they refer to."""
    joined = stack.resolve(arn)
    if isinstance(joined, str):
        return joined
    return "".join(
        part if isinstance(part, str) else f"<{next(iter(part.values()))}>" for part in joined["Fn::Join"][1]
    )


def _arns(thing: str | Sequence[str] | s3.Bucket) -> list[str]:
    if isinstance(thing, s3.Bucket):
        return [thing.bucket_arn]
    return [thing] if isinstance(thing, str) else list(thing)


def _statement(need: Need, things: Things) -> iam.PolicyStatement:
    arns = _arns(things[need.of])
    resources = [f"{arn}/{prefix}*" for arn in arns for prefix in need.below] or arns
    conditions = {operator: dict(keys) for operator, keys in need.conditions.items()}
    if need.within:
        conditions["ArnEquals"] = {"ecs:cluster": _arns(things[need.within])}
    return iam.PolicyStatement(
        actions=sorted(need.actions), resources=resources, conditions=conditions or None
    )


def _keyed(needs: Sequence[Need], things: Things) -> dict[str, list[s3.Bucket]]:
    """Buckets with a key of their own, by what their rows need of it."""
    found: dict[str, list[s3.Bucket]] = {}
    for need in needs:
        thing = things[need.of]
        if isinstance(thing, s3.Bucket) and thing.encryption_key is not None:
            for used in sorted({_KMS[action] for action in need.actions if action in _KMS}):
                if thing not in found.setdefault(used, []):
                    found[used].append(thing)
    return found


def _uses(key: str, keyed: Mapping[str, Sequence[s3.Bucket]], region: str) -> Iterator[iam.PolicyStatement]:
    for action, buckets in sorted(keyed.items()):
        conditions = through_s3(region, [bucket.bucket_arn for bucket in buckets])
        yield iam.PolicyStatement(actions=[action], resources=[key], conditions=conditions)


def _wildcards(need: Need, thing: str | Sequence[str] | s3.Bucket, stack: Stack) -> Iterator[tuple[str, str]]:
    if isinstance(thing, s3.Bucket):
        arn = _own_arn(thing) if Stack.of(thing) is stack else shown_arn(thing)
        for prefix in need.below:
            yield f"{arn}/{prefix}*".replace("${", "<").replace("}", ">"), _PREFIX
        return
    for arn in [thing] if isinstance(thing, str) else thing:
        if arn == "*":
            yield "*", _ANYTHING
        elif arn.endswith("*"):
            yield _shown(stack, arn), _NAMED_LATER
