"""Brings the events of the client secrets' rotation to a Slack channel, by Amazon Q Developer in chat applications."""

import json

import pulumi
import pulumi_aws as aws

config = pulumi.Config("chat")

# No event holds a secret, so the topic needs no key of its own.
topic = aws.sns.Topic("rotation-events")

rule = aws.cloudwatch.EventRule(
    "rotation-events",
    event_pattern=json.dumps(
        {
            "source": [{"prefix": "spapi-rotation/"}],
            # Only what a person should know; without this line: everything.
            "detail-type": [{"anything-but": ["SP-API client secret rotation requested"]}],
        }
    ),
)

aws.sns.TopicPolicy(
    "rotation-events",
    arn=topic.arn,
    policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "AllowRule",
                    "Effect": "Allow",
                    "Principal": {"Service": "events.amazonaws.com"},
                    "Action": "sns:Publish",
                    "Resource": topic.arn,
                }
            ],
        }
    ),
)

# The form of a custom notification. EventBridge puts the values into the text.
aws.cloudwatch.EventTarget(
    "rotation-events",
    rule=rule.name,
    arn=topic.arn,
    input_transformer={
        "input_paths": {
            "what": "$.detail-type",
            "component": "$.detail.component",
            "application": "$.detail.application",
            "client": "$.detail.client_id",
        },
        "input_template": json.dumps(
            {
                "version": "1.0",
                "source": "custom",
                "content": {
                    "textType": "client-markdown",
                    "title": "<what>: <application>",
                    "description": "Component <component>, client id <client>. `spapi-rotation status` tells more.",
                },
            }
        ),
    },
)

role = aws.iam.Role(
    "rotation-events-chat",
    assume_role_policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "chatbot.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
    ),
)

aws.chatbot.SlackChannelConfiguration(
    "rotation-events",
    configuration_name="rotation-events",
    iam_role_arn=role.arn,
    slack_team_id=config.require("workspace"),
    slack_channel_id=config.require("channel"),
    sns_topic_arns=[topic.arn],
)
