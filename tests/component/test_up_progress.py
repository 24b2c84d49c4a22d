"""What a person sees of a rotation during `pulumi up`."""

import io
from contextlib import redirect_stderr, redirect_stdout

from spapi_rotation.rotate_on_up.progress import Progress
from spapi_rotation_lambda.ports import Metric
from tests.fakes.world import World


class Stream(io.StringIO):
    """Where a person reads, and how often it was handed over."""

    flushed = 0

    def flush(self) -> None:
        self.flushed += 1


def test_each_line_names_the_application_and_is_shown_at_once() -> None:
    out, err = Stream(), Stream()
    say = Progress("shop")
    with redirect_stdout(out):
        say.line("as it should be")
    assert (out.getvalue(), out.flushed) == ("shop: as it should be\n", 1)
    with redirect_stderr(err):
        say.line("a remedy", error=True)
    assert (err.getvalue(), err.flushed) == ("shop: a remedy\n", 1)


def test_what_the_function_would_log_is_said_in_a_few_words() -> None:
    out, err = Stream(), Stream()
    say, application = Progress("shop"), World().application
    with redirect_stdout(out), redirect_stderr(err):
        say.info("secret_not_there", application, version_id="v")
        say.warning("settle_left_to_next_check", application, error="StoreFailed", detail="", code=None, status=500)
        say.warning("secret_stuck", application, detail="")
        say.count(Metric.REQUESTED)
    assert out.getvalue() == "shop: secret not there\n"
    assert err.getvalue() == "shop: settle left to next check: error StoreFailed, status 500\nshop: secret stuck\n"


def test_what_was_said_is_said_again_only_when_it_has_changed() -> None:
    out, err = Stream(), Stream()
    say = Progress("shop")
    with redirect_stdout(out), redirect_stderr(err):
        for _ in range(2):
            say.info("waiting")
            say.info("waiting_longer")
            say.warning("secret_stuck", error="A")
            say.warning("order_unknown")
        say.warning("secret_stuck", error="B")
    assert out.getvalue() == "shop: waiting\nshop: waiting longer\n"
    assert err.getvalue() == "shop: secret stuck: error A\nshop: order unknown\nshop: secret stuck: error B\n"
