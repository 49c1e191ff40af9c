-- Windows, in parts that merge in the background. The state of p95 is a histogram: buckets with their counts.
CREATE TABLE windows
(
    series String,
    start DateTime64(3),
    count SimpleAggregateFunction(sum, UInt64),
    sum SimpleAggregateFunction(sum, Float64),
    min SimpleAggregateFunction(min, Float64),
    max SimpleAggregateFunction(max, Float64),
    p95 AggregateFunction(quantileExactWeighted(0.95), Int16, UInt8)
)
ENGINE = AggregatingMergeTree ORDER BY (start, series);

-- Formats read floats to the last bit but one, and conversions exactly where precise_float_parsing asks for it: so the
-- value is text at first.
CREATE TABLE events
(
    specversion Enum8('1.0' = 1),
    type Enum8('tidewatch.metric' = 1),
    id String,
    source String,
    time DateTime64(3, 'UTC'),
    data Tuple(
        service String,
        name String,
        kind Enum8('counter' = 1, 'gauge' = 2, 'histogram' = 3),
        value String,
        labels Map(String, String))
)
ENGINE = Kafka
SETTINGS
    kafka_broker_list = '{bootstrap_servers}',
    kafka_topic_list = '{topic}',
    kafka_group_name = '{group}',
    kafka_format = 'JSONEachRow',
    kafka_max_block_size = 65536,
    kafka_flush_interval_ms = 1000,
    date_time_input_format = 'best_effort',
    precise_float_parsing = 1;

-- Starts the engine. The key of a record is its series.
CREATE MATERIALIZED VIEW folding TO windows AS
WITH toFloat64(data.value) AS value
SELECT
    _key AS series,
    toStartOfInterval(time, INTERVAL 10 SECOND) AS start,
    count() AS count,
    sum(value) AS sum,
    min(value) AS min,
    max(value) AS max,
    quantileExactWeightedState(0.95)(toInt16(ceil(log2(value) * 64) - 1), 1) AS p95
FROM events
GROUP BY series, start;
