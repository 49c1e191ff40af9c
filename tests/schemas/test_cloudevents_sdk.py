"""The official SDK of CloudEvents reads what we write, and we read what it writes, in both modes."""

import msgspec
from cloudevents.core.bindings import kafka as sdk
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given

from schemas import cloudevents
from schemas.events import Event
from tests.schemas.generated import events
from tests.schemas.records import STRUCTURED


def sdk_event(event: Event) -> CloudEvent:
    attributes = {name: value for name, value in msgspec.structs.asdict(event).items() if name != "data"}
    attributes = {name: value for name, value in attributes.items() if value is not msgspec.UNSET}
    attributes["type"] = event.__struct_config__.tag
    return CloudEvent(attributes, msgspec.to_builtins(event.data))


def headers_of(message: sdk.KafkaMessage) -> list[tuple[str, bytes]]:
    return list(message.headers.items())


@given(events)
def test_the_sdk_reads_our_structured_records(event: Event) -> None:
    """The SDK finds the same attributes and data in what we write."""
    message = sdk.KafkaMessage(dict(STRUCTURED), None, cloudevents.encode(event))
    read = sdk.from_kafka_event(message)
    assert read.get_attributes() == sdk_event(event).get_attributes()
    assert read.get_data() == msgspec.to_builtins(event.data)


@given(events)
def test_the_sdk_reads_our_binary_records(event: Event) -> None:
    """The SDK finds the same attributes and data in our headers and value."""
    headers, value = cloudevents.encode_binary(event)
    read = sdk.from_kafka_event(sdk.KafkaMessage(dict(headers), None, value))
    assert read.get_attributes() == sdk_event(event).get_attributes()
    assert read.get_data() == msgspec.to_builtins(event.data)


@given(events)
def test_we_read_the_structured_records_of_the_sdk(event: Event) -> None:
    """With the SDK's header and without any."""
    message = sdk.to_structured_event(sdk_event(event))
    assert cloudevents.decode(message.value, headers_of(message)) == event
    assert cloudevents.decode(message.value) == event


@given(events)
def test_we_read_the_binary_records_of_the_sdk(event: Event) -> None:
    """Attributes from headers, data from the value."""
    message = sdk.to_binary_event(sdk_event(event))
    assert cloudevents.decode(message.value, headers_of(message)) == event
