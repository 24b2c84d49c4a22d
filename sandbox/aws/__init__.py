"""The AWS emulator: MiniStack in a virtual environment of its own, corrected where AWS's rules differ.

What still differs from AWS, and is therefore not observable here: native rotation of secrets (refused), alarms on
metric math (they stay at INSUFFICIENT_DATA), the waiting between retries and within flexible windows of the scheduler
(there is none), queue policies for EventBridge rules (not needed), Lambda's JSON platform logs (START, END and REPORT
are text), and the class of a function's error (always ``Runtime.HandlerError``; the message is right).
"""
