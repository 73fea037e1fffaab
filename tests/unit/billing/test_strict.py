"""Whether the strict policy would change anything: verdicts, units or status (the contract's §4 and §6)."""

from fhir_rpm.billing import compare_strict
from fhir_rpm.model import Assessment, InteractiveCommunication
from tests.unit.billing.examples import contact, judged


def compared(*contacts: InteractiveCommunication) -> Assessment:
    return compare_strict(judged(*contacts), judged(*contacts, policy="rpm-us-strict"))


def message(assessment: Assessment) -> str:
    return next(finding.message for finding in assessment.findings if finding.code == "strict_differs")


def test_a_month_of_calls_does_not_differ() -> None:
    month = judged(contact(22))
    assert compared(contact(22)) == month
    assert not month.strict_differs


def test_a_message_only_month_differs_and_says_in_plain_words_how() -> None:
    month = compared(contact(12, modality="secure_message"))
    assert month.strict_differs
    assert message(month) == (
        "Under rpm-us-strict 99470 would be not supported instead of supported; "
        "the month would be not met instead of ready."
    )


def test_the_code_may_change_while_the_month_stays_ready() -> None:
    month = compared(contact(11, "2026-05-03T18:30:00", modality="secure_message"), contact(12))
    assert message(month) == (
        "Under rpm-us-strict 99457 would be not supported instead of supported; "
        "99470 would be supported instead of not supported."
    )


def test_units_alone_make_a_difference() -> None:
    month = compared(contact(45), contact(20, "2026-05-03T18:30:00", modality="secure_message"))
    assert message(month) == "Under rpm-us-strict 99458 would be supported (1 unit) instead of supported (2 units)."


def test_a_hold_is_told_as_on_hold() -> None:
    month = compared(contact(16, modality="secure_message", exchange="unclear"))
    assert message(month) == (
        "Under rpm-us-strict 99470 would be not supported instead of on hold; "
        "the month would be not met instead of on hold."
    )


def test_minutes_and_outcomes_that_change_no_verdict_make_no_difference() -> None:
    month = compared(contact(25), contact(5, "2026-05-03T18:30:00", modality="secure_message"))
    assert not month.strict_differs


def test_the_comparison_keeps_everything_else() -> None:
    before, after = judged(contact(12, modality="secure_message")), compared(contact(12, modality="secure_message"))
    assert after.model_copy(update={"strict_differs": False, "findings": after.findings[:-1]}) == before
