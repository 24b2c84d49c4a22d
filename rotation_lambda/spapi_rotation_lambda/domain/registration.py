"""Amazon's side of the set-up that only a person can do: subscribing the queue in the Developer Console.

Source: Amazon's "Rotate your application's client secret" tutorial and the deployment guide of its
lwa-rotation sample. Amazon has no API for it.
"""


def registration_steps(queue_arn: str) -> str:
    """The steps that register the destination queue, one a line."""
    return "\n".join(
        (
            "1. Sign in as the account's primary user: Solution Provider Portal (or Seller Central: Apps and "
            "Services > Develop Apps; Vendor Central: Integration > API Integration).",
            "2. Open Developer Console > Notification Preferences > Subscription. Choose the application.",
            '3. In the row "Application Client New Secret": Add new destination (SQS ARN), enter '
            f"{queue_arn}, Create, then Subscribe.",
            '4. In the row "Application Client Secret Expiry": choose the same destination, then Subscribe.',
            "5. Do the same for each application.",
        )
    )
