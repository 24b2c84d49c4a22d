"""What the sandbox makes observable of AWS, and what it does not: each with the tests that hold it to that.

``python -m tests.sandbox.observable`` writes the two tables of ``docs/sandbox.md``.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.paths import CHECKOUT

DOCS = CHECKOUT / "docs" / "sandbox.md"

LAMBDA, METRICS, SCHEDULER, SQS, RULES, SECRETS, DIFFERENCES, LOOKING = (
    f"tests/sandbox/test_aws_{name}.py"
    for name in ("lambda", "metrics", "scheduler", "sqs", "rules", "secretsmanager", "differences", "looking")
)
NATIVE, EXISTING, RIGHTS = (f"tests/sandbox/test_aws_{name}.py" for name in ("native_rotation", "existing", "rights"))
TRAIL = "tests/sandbox/test_aws_trail.py"
WORKFLOWS = "tests/sandbox/test_aws_workflows.py"
NETWORK, OWN_PARTS = "tests/sandbox/test_aws_network.py", "tests/component/test_component_own_parts.py"
REPLICAS = "tests/sandbox/test_aws_replicas.py"
READING = "tests/sandbox/test_aws_resource_policies.py"
ALARMS, POLICIES, RESOURCES = (
    f"tests/component/test_component_{name}.py" for name in ("alarms", "policies", "resources")
)


@dataclass(frozen=True, slots=True)
class Addition:
    """Something of AWS that the emulator lacks or does otherwise, and that is added to it here.

    Attributes:
        what: for a person.
        contract: the tests, ``file::function``, that ask it of the emulator as AWS's documentation says.
    """

    what: str
    contract: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unobservable:
    """Something of AWS that cannot be seen here, so that only its definition is asserted.

    Attributes:
        what: for a person.
        instead: what happens in the sandbox.
        shown: the tests, ``file::function``, that show it there; none where it is a matter of days.
        definition: the tests that assert what the component asks of AWS.
    """

    what: str
    instead: str
    shown: tuple[str, ...]
    definition: tuple[str, ...]


ADDITIONS: tuple[Addition, ...] = (
    Addition(
        "Metrics in a function's log lines (EMF) become metrics, if its role may log",
        (
            f"{METRICS}::test_embedded_metrics_are_published_for_each_set_of_dimensions",
            f"{METRICS}::test_without_the_right_to_log_there_are_no_embedded_metrics",
            f"{METRICS}::test_other_lines_are_no_metrics",
        ),
    ),
    Addition(
        "Queues are measured; a message that was received three times has no age",
        (
            f"{METRICS}::test_queues_are_measured",
            f"{METRICS}::test_a_message_that_was_received_three_times_has_no_age",
            f"{METRICS}::test_the_age_of_a_dead_letter_begins_with_its_move",
            f"{METRICS}::test_sent_messages_are_counted_however_they_came_and_once",
            f"{METRICS}::test_an_alarm_on_sent_messages_ends_although_they_stay",
        ),
    ),
    Addition(
        "Alarms are judged by exact dimensions, period by period, and end; their topic hears of it",
        (
            f"{METRICS}::test_an_alarm_on_an_embedded_metric_fires",
            f"{METRICS}::test_an_alarm_on_a_queue_metric_fires",
            f"{METRICS}::test_an_alarm_wants_as_many_breaching_periods_as_it_says",
            f"{METRICS}::test_an_alarm_without_dimensions_ignores_metrics_that_have_some",
            f"{METRICS}::test_an_alarm_ends_when_its_period_is_over_and_its_topic_hears_both",
            f"{METRICS}::test_missing_data_is_treated_as_the_alarm_says",
        ),
    ),
    Addition(
        "The scheduler refuses what is invalid, fills inputs in, acts by its role, and has a dead-letter queue",
        (
            f"{SCHEDULER}::test_an_invalid_expression_is_refused",
            f"{SCHEDULER}::test_a_rate_fires_at_once_and_then_at_its_rate_with_the_input_filled_in",
            f"{SCHEDULER}::test_a_role_that_may_not_invoke_the_function_leads_to_the_dead_letter_queue",
            f"{SCHEDULER}::test_a_missing_function_leads_to_the_dead_letter_queue",
            f"{SCHEDULER}::test_a_function_that_raises_is_no_failure_of_the_schedule",
        ),
    ),
    Addition(
        "A function's failed asynchronous event goes to its failure destination, if its role may send there",
        (
            f"{LAMBDA}::test_a_failed_asynchronous_call_goes_to_the_failure_destination",
            f"{LAMBDA}::test_a_destination_that_the_role_may_not_reach_is_refused",
        ),
    ),
    Addition(
        "Messages are moved back from a dead-letter queue (StartMessageMoveTask), by whoever may",
        (
            f"{SQS}::test_redrive_brings_messages_back_to_their_source_as_new_ones",
            f"{SQS}::test_redrive_may_go_to_another_queue",
            f"{SQS}::test_redrive_wants_a_dead_letter_queue_of_a_queue",
            f"{SQS}::test_redrive_needs_rights_on_both_queues",
            f"{SQS}::test_a_dead_letter_queue_decides_who_uses_it",
        ),
    ),
    Addition(
        "Roles, queue policies and key policies decide, over TLS only",
        (
            f"{LAMBDA}::test_a_function_acts_over_tls_with_its_own_role",
            f"{LAMBDA}::test_an_event_source_needs_each_permission_of_the_role",
            f"{RULES}::test_without_its_statement_amazon_cannot_send",
            f"{RULES}::test_with_its_statement_and_a_tls_rule_amazon_can_send",
            f"{RIGHTS}::test_a_right_is_asked_for_the_thing_itself",
            f"{RIGHTS}::test_the_tags_of_a_key_decide_about_its_use_by_a_service",
            f"{LAMBDA}::test_a_function_gets_its_role_from_who_may_pass_it_to_lambda",
            f"{LAMBDA}::test_an_environment_is_written_with_a_key_by_who_may_use_it",
            f"{LAMBDA}::test_an_encrypted_environment_is_shown_to_who_may_decrypt_it",
            f"{RULES}::test_an_encrypted_queue_needs_amazons_statement_on_its_key",
            f"{RULES}::test_a_secrets_key_is_needed_to_read_and_write_its_value",
            f"{RULES}::test_a_mapping_reads_nothing_while_its_role_may_not_use_the_queues_key",
        ),
    ),
    Addition(
        "A policy may name only roles that exist; a secret's cannot be public, and can let another account read it",
        (
            f"{READING}::test_a_role_of_the_same_account_reads_by_the_policies_of_secret_and_key",
            f"{READING}::test_without_the_keys_statement_it_cannot_read",
            f"{READING}::test_a_role_of_another_account_needs_both_sides",
            f"{READING}::test_who_is_not_listed_of_another_account_reads_nothing",
            f"{READING}::test_a_policy_that_a_secret_cannot_have",
            f"{READING}::test_a_key_policy_names_roles_that_there_are",
        ),
    ),
    Addition(
        "A secret's replicas follow it, if its writer may use their keys; it cannot be deleted before them",
        (
            f"{REPLICAS}::test_values_labels_and_policy_follow",
            f"{REPLICAS}::test_a_replica_cannot_be_changed",
            f"{REPLICAS}::test_a_replica_is_read_by_who_may_use_its_own_key",
            f"{REPLICAS}::test_it_does_not_follow_who_may_not_use_its_key",
            f"{REPLICAS}::test_a_key_that_is_not_there_is_told_by_the_status_only",
            f"{REPLICAS}::test_a_replica_is_added_and_removed_and_keeps_its_primary",
        ),
    ),
    Addition(
        "Secrets Manager's rules for versions, labels and tokens, and its quota of versions",
        (
            f"{SECRETS}::test_the_first_version_gets_awscurrent_besides_the_label_asked_for",
            f"{SECRETS}::test_put_replayed_does_nothing_not_even_attach_a_lost_label",
            f"{SECRETS}::test_put_with_a_used_token_and_another_value_is_refused",
            f"{SECRETS}::test_a_label_elsewhere_moves_only_from_the_version_that_has_it",
            f"{SECRETS}::test_a_hundred_young_versions_use_the_quota_up",
        ),
    ),
    Addition(
        "Secrets Manager's own rotation calls its function, with AWSPENDING on an empty version that no list shows",
        (
            f"{NATIVE}::test_a_failed_rotation_leaves_awspending_on_an_empty_version_that_no_list_shows",
            f"{NATIVE}::test_a_rotation_calls_the_four_steps_and_the_empty_version_is_filled",
            f"{NATIVE}::test_while_a_rotation_is_not_complete_another_is_refused",
            f"{NATIVE}::test_the_label_moves_from_the_empty_version_to_who_names_it",
            f"{NATIVE}::test_switching_rotation_off_leaves_the_label",
            f"{NATIVE}::test_a_function_that_secrets_manager_may_not_call_is_refused",
        ),
    ),
    Addition(
        "A name that is taken: a topic keeps its tags, an alarm is overwritten, a log group refused",
        (
            f"{EXISTING}::test_a_topic_that_exists_is_returned_with_its_own_tags",
            f"{EXISTING}::test_an_alarm_of_the_same_name_is_overwritten_and_keeps_its_tags_and_state",
            f"{EXISTING}::test_a_log_group_that_exists_is_refused",
        ),
    ),
    Addition(
        "Every line of a function's log is kept, even if the function was killed",
        (
            "tests/sandbox/test_aws_logs.py::test_every_line_is_in_the_stream_of_its_invocation",
            "tests/sandbox/test_crash_switch.py::test_what_was_logged_before_the_crash_is_kept",
        ),
    ),
    Addition(
        "Lambda drops log lines below the function's level, and with them their metrics, and tells the function",
        (
            f"{LOOKING}::test_from_warn_on_information_and_metrics_are_dropped",
            f"{LOOKING}::test_down_to_info_everything_is_kept",
            f"{LOOKING}::test_a_changed_level_reaches_a_running_function",
        ),
    ),
    Addition(
        "A log is searched by equal JSON fields, page by page; other patterns are refused",
        (
            f"{LOOKING}::test_a_json_pattern_finds_equal_fields_and_nothing_else",
            f"{LOOKING}::test_a_search_comes_in_pages_in_the_order_of_time",
            f"{LOOKING}::test_a_pattern_that_the_sandbox_does_not_know_is_refused",
        ),
    ),
    Addition(
        "A subscription by e-mail waits to be confirmed, and a list says so",
        (f"{LOOKING}::test_a_subscription_by_mail_is_pending_until_it_is_confirmed",),
    ),
    Addition(
        "Rules and state machines act by their roles; an execution's name is used once; failures are measured",
        (
            f"{WORKFLOWS}::test_an_event_redeploys_the_service_once_however_often_it_comes",
            f"{WORKFLOWS}::test_a_rule_starts_nothing_by_a_role_that_may_not",
            f"{WORKFLOWS}::test_what_a_rule_could_not_start_goes_to_a_queue_that_lets_it",
            f"{WORKFLOWS}::test_a_machine_updates_nothing_without_its_right_and_the_failure_is_counted",
            f"{WORKFLOWS}::test_a_machine_starts_itself_by_its_own_right_only",
            f"{WORKFLOWS}::test_a_service_that_is_gone_fails_at_once",
            f"{WORKFLOWS}::test_a_role_that_step_functions_may_not_take_is_refused",
            f"{WORKFLOWS}::test_tasks_that_the_sandbox_does_not_know_are_refused",
            f"{WORKFLOWS}::test_a_name_is_taken_once_by_a_closed_execution",
        ),
    ),
    Addition(
        "CloudTrail records reads of secrets, by whom, and looks them up page by page",
        (
            f"{TRAIL}::test_a_read_by_a_role_tells_the_role_the_session_and_what_was_asked_for",
            f"{TRAIL}::test_a_function_reads_in_a_session_of_its_own_name",
            f"{TRAIL}::test_a_read_that_is_denied_is_recorded_as_that",
            f"{TRAIL}::test_a_batch_is_recorded_secret_by_secret",
            f"{TRAIL}::test_the_record_comes_in_pages_the_newest_first",
        ),
    ),
)

UNOBSERVABLE: tuple[Unobservable, ...] = (
    Unobservable(
        "The schedule of Secrets Manager's own rotation of a secret, and its retries",
        "A rotation happens once, as soon as it is asked for.",
        (f"{NATIVE}::test_a_rotation_that_is_only_scheduled_is_refused",),
        (f"{RESOURCES}::test_provisions_exactly_these_resources",),
    ),
    Unobservable(
        "Alarms on metric math other than the difference of two metrics",
        "They stay at INSUFFICIENT_DATA; the component has none of them.",
        (f"{DIFFERENCES}::test_an_alarm_on_other_metric_math_is_not_judged",),
        (f"{ALARMS}::test_alarm_is_exactly_this", f"{ALARMS}::test_every_alarm_is_expected"),
    ),
    Unobservable(
        "An alarm's right to publish to its topic, and to use the topic's key",
        "The topic hears of it whatever its policy and its key's say.",
        (f"{DIFFERENCES}::test_an_alarm_reaches_a_topic_whose_policy_and_key_do_not_let_it",),
        (
            f"{POLICIES}::test_topic_lets_its_own_alarms_publish_and_nobody_in_plain_text",
            f"{POLICIES}::test_the_secrets_key_is_never_granted_to_amazon",
            f"{ALARMS}::test_the_policies_name_every_alarm",
            f"{ALARMS}::test_topic_is_encrypted_by_the_components_key",
        ),
    ),
    Unobservable(
        "What a function in a VPC reaches",
        "It reaches what this machine reaches; subnets, security groups and the role's rights are validated.",
        (
            f"{NETWORK}::test_a_function_is_made_in_a_network_and_runs",
            f"{NETWORK}::test_places_that_there_are_not_or_of_two_networks_are_refused",
            f"{NETWORK}::test_the_role_must_let_lambda_make_interfaces",
        ),
        (
            f"{OWN_PARTS}::test_the_function_works_in_the_network",
            f"{OWN_PARTS}::test_lambda_may_make_network_interfaces_and_the_code_may_not",
        ),
    ),
    Unobservable(
        "The scheduler's flexible window",
        "It is taken at its start.",
        (f"{DIFFERENCES}::test_a_flexible_window_is_taken_at_its_start",),
        (
            f"{RESOURCES}::test_schedule",
            f"{ALARMS}::test_what_each_check_reports_anew_keeps_its_alarm",
            f"{ALARMS}::test_the_heartbeat_forgives_one_lost_check_and_not_three",
        ),
    ),
    Unobservable(
        "The scheduler's waiting between retries, and the age at which it gives up",
        "All its attempts are made at once.",
        (f"{SCHEDULER}::test_a_role_that_may_not_invoke_the_function_leads_to_the_dead_letter_queue",),
        (f"{RESOURCES}::test_schedule",),
    ),
    Unobservable(
        "Encryption of the log group, and the log service's right to the key",
        "The group is made and filled whatever the key's policy says.",
        (f"{DIFFERENCES}::test_a_log_group_is_made_with_a_key_that_the_log_service_may_not_use",),
        (
            f"{RESOURCES}::test_log_group_is_encrypted_and_kept_for_a_year",
            f"{POLICIES}::test_the_secrets_key_is_never_granted_to_amazon",
        ),
    ),
    Unobservable(
        "The refusal of plain text by queue and topic policies",
        "Plain HTTP is not served at all, so no policy is asked; over TLS the same policies let through whoever may.",
        (f"{RULES}::test_plain_http_is_not_served", f"{RULES}::test_with_its_statement_and_a_tls_rule_amazon_can_send"),
        (
            f"{POLICIES}::test_destination_queue_lets_amazon_send_and_nothing_else",
            f"{POLICIES}::test_other_queues_only_demand_tls",
            f"{POLICIES}::test_topic_lets_its_own_alarms_publish_and_nobody_in_plain_text",
        ),
    ),
    Unobservable(
        "The queue policy that EventBridge needs to deliver an event to a queue",
        "It needs none; the component's own rules have a state machine as their target, and no queue.",
        (f"{RULES}::test_a_role_may_put_events_and_a_rule_brings_them_to_a_queue",),
        (f"{RESOURCES}::test_provisions_exactly_these_resources", f"{POLICIES}::test_function_role"),
    ),
    Unobservable(
        "The function's processor, runtime and platform log lines",
        "It runs on this machine by the sandbox's Python; START, END and REPORT are text.",
        (
            f"{DIFFERENCES}::test_a_function_runs_on_this_machine_by_this_python_and_its_platform_lines_are_text",
            f"{LAMBDA}::test_a_function_finds_boto3_and_not_the_emulators_own_packages",
        ),
        (
            f"{RESOURCES}::test_function",
            "tests/component/test_component_archive.py::test_pip_is_held_to_the_functions_python_and_platform",
            "tests/component/test_component_archive.py::test_a_lock_is_made_of_pure_python_only",
        ),
    ),
    Unobservable(
        "The class of a function's error, as AWS reports it",
        "It is always Runtime.HandlerError; the message is right.",
        (f"{DIFFERENCES}::test_the_class_of_an_error_is_lost_and_its_message_kept",),
        ("tests/unit/test_bad_input.py::test_an_unknown_event", "tests/unit/test_bad_input.py::test_nested_nulls"),
    ),
    Unobservable(
        "What takes days: 14 days in a queue, a year of logs, the windows of deletion, the key's yearly rotation",
        "The settings are kept, and nobody waits for them.",
        (),
        (
            f"{RESOURCES}::test_queues_are_encrypted_and_keep_messages_for_14_days",
            f"{RESOURCES}::test_log_group_is_encrypted_and_kept_for_a_year",
            f"{RESOURCES}::test_keeps_the_keys_as_long_as_the_secrets",
        ),
    ),
)
"""Everything known of this kind; what is found to be missing belongs here."""


def document() -> str:
    """The text of ``docs/sandbox.md``."""
    lines = [
        "# What the sandbox shows of AWS, and what it cannot",
        "",
        "The sandbox's AWS is an emulator (MiniStack), corrected and completed in `sandbox/aws/patches`. Each addition",
        "has tests of its own, which ask of it what AWS's documentation says.",
        "",
        "| added or corrected | tests |",
        "|---|---|",
        *(f"| {each.what} | {_tests(each.contract)} |" for each in ADDITIONS),
        "",
        "What cannot be seen here is listed below. Of these things only the definition is asserted: what the component",
        "asks of AWS.",
        "",
        "| not observable | in the sandbox | shown by | definition asserted by |",
        "|---|---|---|---|",
        *(
            f"| {each.what} | {each.instead} | {_tests(each.shown)} | {_tests(each.definition)} |"
            for each in UNOBSERVABLE
        ),
        "",
        "This page is written by `python -m tests.sandbox.observable`.",
    ]
    return "\n".join(lines) + "\n"


def _tests(names: Sequence[str]) -> str:
    return "<br>".join(f"`{name.rpartition('/')[2]}`" for name in names) or "nothing"


if __name__ == "__main__":
    DOCS.write_text(document())
    sys.exit(0)
