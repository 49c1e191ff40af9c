"""Committed offsets as the broker has them, or no answer: never an error that is taken for "nothing is committed".

From version 2 of the request on, a broker that cannot tell yet, for instance because it was started a moment ago and
still loads the group, answers with an error for the whole group and without partitions. aiokafka 0.14 looks at errors
of partitions only, and so believes that nothing was ever committed: readers start over, and the declaration of a batch
in doubt is not found and written over. Chaos found rows twice, just where this explains it.
"""

from typing import Any

from aiokafka import errors
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.protocol.commit import OffsetFetchRequest


class Coordinator(GroupCoordinator):  # type: ignore[misc]
    """A member of a group, as aiokafka's consumers have one each."""

    async def _send_req(self, request: Any) -> Any:
        """Send to the coordinator; raises the error of a whole group, which callers retry when that may help."""
        response = await super()._send_req(request)
        if isinstance(request, OffsetFetchRequest):
            error = errors.for_code(getattr(response, "error_code", 0))
            if error is errors.NotCoordinatorForGroupError:
                self.coordinator_dead()
            if error is not errors.NoError:
                raise error()
        return response
