"""What S3 announces, read back: any key, any mix of records, and what is not S3's refused by name."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.s3_events import CreatedObject, read_event
from tests.s3_notifications import s3_event, s3_record, s3_test_event, sqs_event

KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@given(keys=st.lists(KEYS, max_size=5))
def test_any_key_is_read_as_it_is_stored(keys: list[str]) -> None:
    event = s3_event(*(s3_record("lake", key) for key in keys))
    expected = tuple(CreatedObject("lake", key) for key in keys)
    straight = read_event(event)
    assert not straight.queued
    assert [message.objects for message in straight.messages] == [expected]
    queued = read_event(sqs_event(one=event, two=event))
    assert queued.queued
    assert [(m.message_id, m.objects, m.fault) for m in queued.messages] == [
        ("one", expected, ""),
        ("two", expected, ""),
    ]


@pytest.mark.parametrize(
    "name", ["ObjectCreated:Put", "ObjectCreated:CompleteMultipartUpload", "ObjectCreated:Copy"]
)
def test_every_way_to_create_counts(name: str) -> None:
    (message,) = read_event(s3_event(s3_record("lake", "key", name))).messages
    assert (len(message.objects), message.ignored) == (1, 0)


@pytest.mark.parametrize("name", ["ObjectRemoved:Delete", "ObjectTagging:Put", "LifecycleExpiration:Delete"])
def test_everything_else_is_ignored_and_counted(name: str) -> None:
    (message,) = read_event(s3_event(s3_record("lake", "key", name), s3_record("lake", "key"))).messages
    assert (len(message.objects), message.ignored) == (1, 1)


def test_a_test_event_announces_nothing() -> None:
    straight, queued = read_event(s3_test_event("lake")), read_event(sqs_event(a=s3_test_event("lake")))
    for event in (straight, queued):
        (message,) = event.messages
        assert (message.objects, message.ignored, message.fault) == ((), 1, "")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        "{}",
        {"Records": None},
        {"Records": [None]},
        {"Records": [{"eventName": None}]},
        {"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "lake"}}}]},
        {"Type": "Notification", "Message": "a topic's envelope"},
    ],
)
def test_a_message_that_cannot_be_understood_fails_alone(body: Any) -> None:
    good = s3_event(s3_record("lake", "key"))
    bad, fine = read_event(sqs_event(bad=body, fine=good)).messages
    assert bad.fault
    assert not bad.objects
    assert fine.objects == (CreatedObject("lake", "key"),)


def test_queues_and_s3_are_not_mixed() -> None:
    mixed = {"Records": [*sqs_event(a=s3_event())["Records"], s3_record("lake", "key")]}
    with pytest.raises(BadSetting):
        read_event(mixed)
