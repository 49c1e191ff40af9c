"""The CloudEvents 1.0 envelope that every event type shares.

CloudEvents 1.0.2, https://github.com/cloudevents/spec (core and JSON event format).
"""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
"""A short name given by a person or a program: a service, a metric, a component."""

Text = Annotated[str, msgspec.Meta(max_length=4096)]
"""A short free text, such as a reason."""

Identifier = Annotated[str, msgspec.Meta(max_length=4096, extra={"class": "direct_identifier"})]
"""Who somebody is; what becomes of it before it is stored says ``schemas/personal.py``."""

Labels = dict[str, str]
"""Label names and values; limits on both are checked where a label set is first seen."""

DEFAULT_TENANT = "default"


class Envelope(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="type"):
    """Attributes of one CloudEvent; subclasses add ``data`` and set ``type`` as their tag.

    Attributes CloudEvents allows but Tidewatch does not use (extensions, ``subject``) are accepted and ignored.
    """

    specversion: Literal["1.0"]
    """The version of CloudEvents."""
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    """Unique together with ``source``."""
    source: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    """The instance that speaks, such as ``/checkout/7f9c4``."""
    time: Annotated[datetime, msgspec.Meta(tz=True)]
    """When it happened (RFC 3339); without an offset it is refused, because it would not name an instant."""
    datacontenttype: Literal[
        "application/json", "application/json; charset=utf-8", "application/json;charset=utf-8"
    ] = "application/json"
    """The format of ``data``."""


ExtensionText = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class ClassifiedEnvelope(Envelope, frozen=True, kw_only=True, gc=False):
    """The envelope of events that are judged: it may say how the payload is classified.

    The CloudEvents extension Data Classification; ``schemas/classification.py`` says what is understood.
    """

    dataclassification: ExtensionText | msgspec.UnsetType = msgspec.UNSET
    """``public``, ``internal``, ``confidential`` or ``restricted``; required when one of the next two is there."""
    dataregulation: ExtensionText | msgspec.UnsetType = msgspec.UNSET
    """Regulations that apply, with commas between: ``GDPR,HIPAA,PCI-DSS``."""
    datacategory: ExtensionText | msgspec.UnsetType = msgspec.UNSET
    """The kind of data, such as ``phi`` or ``special-category``."""
