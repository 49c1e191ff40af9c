"""A Kafka broker without Java: the mock cluster inside librdkafka, on a real port, in this process.

It speaks the real protocol to any client, in this process or another, from native threads of its own. What it is not:

- durable or large: each partition keeps its last 5 MiB (or 100,000 batches) in memory and drops what is older, so a
  publisher must not run further ahead of its readers than that;
- a full broker: no topic creation by clients (only :meth:`Broker.create_topic`; a topic that is merely used appears
  with 4 partitions), no TLS, no access rules, no transactions;
- able to share a group: one aiokafka member a group, so one worker; after it has left, or joins again, the group forms
  only when its session timeout less a second has passed;
- quick when idle: it holds an empty Fetch for the whole ``fetch.max.wait.ms`` of the client, even when records arrive.

The functions called here are librdkafka's public ``rdkafka_mock.h``, found in the library that confluent-kafka ships.
"""

import ctypes
from typing import Self

import confluent_kafka.cimpl

from schemas.failures import Rejected, Unavailable

_PRODUCER = 0  # rd_kafka_type_t; the cluster lives in a client handle, of whichever type
_JOIN_DELAY_MS = 50  # how long a new group waits for more members; 3 s by default


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(confluent_kafka.cimpl.__file__)  # its symbols include those of the librdkafka it links
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    for name, result, arguments in (
        ("rd_kafka_conf_new", pointer, []),
        ("rd_kafka_conf_set", number, [pointer, text, text, text, ctypes.c_size_t]),
        ("rd_kafka_new", pointer, [number, pointer, text, ctypes.c_size_t]),
        ("rd_kafka_destroy", None, [pointer]),
        ("rd_kafka_err2str", text, [number]),
        ("rd_kafka_mock_cluster_new", pointer, [pointer, number]),
        ("rd_kafka_mock_cluster_destroy", None, [pointer]),
        ("rd_kafka_mock_cluster_bootstraps", text, [pointer]),
        ("rd_kafka_mock_topic_create", number, [pointer, text, number, number]),
        ("rd_kafka_mock_group_initial_rebalance_delay_ms", None, [pointer, ctypes.c_int32]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class Broker:
    """``with Broker() as broker:`` one broker; ``broker.bootstrap_servers`` is ``HOST:PORT`` for any Kafka client.

    Raises Unavailable when no port can be had. Its threads end with the ``with`` block, and its records are gone.
    """

    bootstrap_servers: str

    def __init__(self) -> None:
        self._library = _library()
        self._handle: int | None = None
        self._cluster: int | None = None

    def __enter__(self) -> Self:
        library = self._library
        problem = ctypes.create_string_buffer(512)
        conf = library.rd_kafka_conf_new()
        library.rd_kafka_conf_set(conf, b"log_level", b"0", problem, len(problem))
        self._handle = library.rd_kafka_new(_PRODUCER, conf, problem, len(problem))
        self._cluster = self._handle and library.rd_kafka_mock_cluster_new(self._handle, 1)
        if not self._cluster:
            self.__exit__()
            raise Unavailable(f"the embedded broker did not start: {problem.value.decode() or 'no free port'}")
        library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, _JOIN_DELAY_MS)
        self.bootstrap_servers = library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        return self

    def create_topic(self, name: str, partitions: int) -> None:
        """Create a topic; Rejected when it exists, its name is not a topic's or the broker is not running."""
        if not self._cluster:
            raise Rejected("the embedded broker is not running")
        error = self._library.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1)
        if error:
            raise Rejected(f"topic {name}: {self._library.rd_kafka_err2str(error).decode()}")

    def __exit__(self, *_: object) -> None:
        if self._cluster:
            self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        if self._handle:
            self._library.rd_kafka_destroy(self._handle)
        self._cluster = self._handle = None
