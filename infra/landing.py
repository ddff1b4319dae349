"""What lands is announced: S3's events go to a queue, and what nobody can settle to a queue of dead letters.

The queue lies with the lake, for S3 looks whether it may send before it takes the setting. Who reads it is another
stack's business.
"""

from typing import Final

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from telemetry_pipeline.lake import layout

TRIES: Final = 5
"""A message that comes back so often is a person's business; the object itself is not lost by it."""


class Landing(Construct):
    """The queue of one lake.

    Args:
        scope: The lake's stack.
        name: Its name in the stack.
        bucket: The lake's bucket.
        held: How long a message is out of others' sight once somebody has it.
    """

    def __init__(self, scope: Construct, name: str, bucket: s3.Bucket, *, held: Duration) -> None:
        super().__init__(scope, name)
        self.dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        self.queue = sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            visibility_timeout=held,
            retention_period=Duration.days(14),
            receive_message_wait_time=Duration.seconds(20),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=TRIES),
        )
        self._announced(bucket)

    def take_unstarted(self, rule: str) -> None:
        """Let EventBridge put here what a schedule could not start.

        Args:
            rule: The ARN of the schedule's rule, which is made after the lake.
        """
        self.dead_letters.add_to_resource_policy(
            iam.PolicyStatement(
                sid="Unstarted",
                actions=["sqs:SendMessage"],
                resources=[self.dead_letters.queue_arn],
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                conditions={"ArnEquals": {"aws:SourceArn": rule}},
            )
        )

    def _announced(self, bucket: s3.Bucket) -> None:
        stack = Stack.of(self)
        self.queue.add_to_resource_policy(
            iam.PolicyStatement(
                sid="Announcements",
                actions=["sqs:SendMessage"],
                resources=[self.queue.queue_arn],
                principals=[iam.ServicePrincipal("s3.amazonaws.com")],
                # the account, not the bucket: the bucket needs the queue before it has a name
                conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
            )
        )
        announced = bucket.node.default_child
        announced.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            queue_configurations=[
                s3.CfnBucket.QueueConfigurationProperty(
                    event="s3:ObjectCreated:*",
                    queue=self.queue.queue_arn,
                    filter=s3.CfnBucket.NotificationFilterProperty(
                        s3_key=s3.CfnBucket.S3KeyFilterProperty(
                            # no suffix: what is no raw object is to be seen, too
                            rules=[s3.CfnBucket.FilterRuleProperty(name="prefix", value=f"{layout.RAW}/")]
                        )
                    ),
                )
            ]
        )
        # S3 tries to send when it takes the setting
        bucket.node.add_dependency(self.queue.node.find_child("Policy"))
