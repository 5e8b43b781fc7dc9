"""What falls silent rings: the edge, the database and the pods, to everybody who is to be told."""

from __future__ import annotations

import pytest

from components.audit.alarm_topic import AlarmTopic, AlarmTopicArgs
from components.foundations.placement import Placement
from tests.components.conftest import Play
from tests.recorded import recorded

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
SILENT = ("-no-healthy-node", "-silent", "-too-few-pods", "-silent-secure", "-silent-audit")


@pytest.mark.parametrize("stack", ["dev", "prod"])
@pytest.mark.parametrize("ending", SILENT)
def test_silence_is_an_alarm(stack: str, ending: str) -> None:
    found = [one for one in recorded(stack).of(ALARM) if one.name.endswith(ending)]
    assert found
    for alarm in found:
        assert alarm.inputs["treatMissingData"] == "breaching"
        assert alarm.inputs["comparisonOperator"] == "LessThanThreshold"
        assert alarm.inputs["alarmActions"]


@pytest.mark.parametrize(("url", "expected"), [("", 0), ("https://events.example.com/integration/x/enqueue", 1)])
def test_a_paging_service_is_told_in_addition_to_people(
    play: Play, placement: Placement, url: str, expected: int
) -> None:
    arguments = AlarmTopicArgs(
        placement=placement, key_arn="arn:aws:kms:x:1:key/1", emails=("a@example.com",), paging_url=url
    )
    made = play(lambda: AlarmTopic("alarms", arguments)).of("aws:sns/topicSubscription:TopicSubscription")
    assert [one.inputs["protocol"] for one in made] == ["email", *["https"] * expected]
    assert [one.inputs["endpoint"] for one in made][1:] == [url] * expected
