"""The Python door: how often a record is read, and what is shared between policies."""

from typing import Any

import pytest

from fhir_rpm import api
from fhir_rpm.mapping import read_month


@pytest.mark.parametrize("policy", ["rpm-us", "rpm-us-strict"])
@pytest.mark.parametrize("door", [api.assess, api.explain])
def test_a_record_is_read_once_for_policies_that_share_a_gap(
    door: Any, policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []

    def counted(*arguments: Any, **how: Any) -> Any:
        seen.append(how["max_reply_gap"])
        return read_month(*arguments, **how)

    monkeypatch.setattr(api, "read_month", counted)
    door(({"resourceType": "Patient", "id": "p"} for _ in range(1)), month="2026-05", time_zone="UTC", policy=policy)
    assert len(seen) == 1


def test_a_record_is_read_again_for_another_gap(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    rule = '{ from = 2021-01-01, value = 10, title = "t", citation = "c", read = 2026-11-26 }'
    payer = tmp_path / "payer.toml"
    payer.write_text(f'extends = "rpm-us"\ntitle = "t"\n[contacts]\nmax_reply_gap_minutes = [{rule}]\n')
    seen: list[float] = []

    def counted(*arguments: Any, **how: Any) -> Any:
        seen.append(how["max_reply_gap"].total_seconds() / 60)
        return read_month(*arguments, **how)

    monkeypatch.setattr(api, "read_month", counted)
    api.assess([], month="2026-05", time_zone="UTC", policy=str(payer))
    assert seen == [10, 30]
