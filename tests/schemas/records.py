"""One event as a record of Kafka, in both modes of the CloudEvents binding."""

import json

from schemas import cloudevents
from schemas.events import metric

STRUCTURED = [("content-type", b"application/cloudevents+json; charset=UTF-8")]

RECORD = json.dumps(metric.EXAMPLE).encode()
EVENT = cloudevents.decode(RECORD)
BINARY_HEADERS, BINARY_VALUE = cloudevents.encode_binary(EVENT)
