-- Raw usage events, accepted once. Kept 50 days: longer than the 35 days that an event may be old, so that a repeat
-- whose id has left memory is always found here.
-- Ordered by node and time: the questions are "one node, a range" and "this id of this node at this time".
-- src_seq has a minmax index because the loader asks for its maximum at every take-over.
CREATE TABLE IF NOT EXISTS usage_events
(
    src_topic LowCardinality(String) CODEC(ZSTD(1)),
    src_partition UInt16 CODEC(ZSTD(1)),
    src_seq UInt64 CODEC(DoubleDelta, ZSTD(1)),
    node_id String CODEC(ZSTD(1)),
    event_id UUID CODEC(NONE),
    event_text String CODEC(ZSTD(1)),
    operator_id LowCardinality(String) CODEC(ZSTD(1)),
    model_id LowCardinality(String) CODEC(ZSTD(1)),
    task_source Enum8('own' = 0, 'hive' = 1, 'idle' = 2) CODEC(ZSTD(1)),
    occurred_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    received_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    record_offset UInt64 CODEC(DoubleDelta, ZSTD(1)),
    record_index UInt32 CODEC(T64, LZ4),
    tokens_in UInt32 CODEC(T64, LZ4),
    tokens_out UInt32 CODEC(T64, LZ4),
    duration_ms Nullable(UInt32) CODEC(ZSTD(1)),
    gpu_ms Nullable(UInt32) CODEC(ZSTD(1)),
    gpu_ms_estimated UInt64 CODEC(T64, LZ4),
    energy_mwh Nullable(UInt64) CODEC(ZSTD(1)),
    energy_source Enum8('none' = 0, 'meter' = 1, 'device' = 2, 'estimate' = 3) CODEC(ZSTD(1)),
    energy_mwh_estimated UInt64 CODEC(T64, LZ4),
    energy_mwh_compatible UInt64 CODEC(T64, LZ4),
    cost_nano_usd UInt64 CODEC(T64, LZ4),
    goal_id String CODEC(ZSTD(1)),
    requester_node_id String CODEC(ZSTD(1)),
    reservation_id String CODEC(ZSTD(1)),
    late UInt8 CODEC(ZSTD(1)),
    models_version UInt32 CODEC(ZSTD(1)),
    content_hash UInt64 CODEC(NONE),
    INDEX by_src_seq src_seq TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (node_id, occurred_at, event_id)
TTL toDateTime(occurred_at) + INTERVAL 50 DAY
SETTINGS non_replicated_deduplication_window = 10000;

-- Sums of deltas per minute: a late event is one more delta, nothing is overwritten, and no merge changes a result.
-- src_topic and src_partition lead the sort key and src_seq is a maximum, so that the loader's look survives merges.
CREATE TABLE IF NOT EXISTS usage_1m
(
    src_topic LowCardinality(String) CODEC(ZSTD(1)),
    src_partition UInt16 CODEC(ZSTD(1)),
    src_seq SimpleAggregateFunction(max, UInt64) CODEC(ZSTD(1)),
    node_id String CODEC(ZSTD(1)),
    window_start DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    model_id LowCardinality(String) CODEC(ZSTD(1)),
    task_source Enum8('own' = 0, 'hive' = 1, 'idle' = 2) CODEC(ZSTD(1)),
    events SimpleAggregateFunction(sum, UInt64) CODEC(T64, LZ4),
    late_events SimpleAggregateFunction(sum, UInt64) CODEC(T64, LZ4),
    tokens_in SimpleAggregateFunction(sum, UInt64) CODEC(T64, LZ4),
    tokens_out SimpleAggregateFunction(sum, UInt64) CODEC(T64, LZ4),
    duration_ms SimpleAggregateFunction(sum, UInt64) CODEC(T64, LZ4),
    gpu_ms_measured SimpleAggregateFunction(sum, UInt64) CODEC(T64, LZ4),
    gpu_ms_estimated SimpleAggregateFunction(sum, UInt64) CODEC(T64, LZ4),
    energy_mwh_measured SimpleAggregateFunction(sum, UInt64) CODEC(T64, LZ4),
    energy_mwh_estimated SimpleAggregateFunction(sum, UInt64) CODEC(T64, LZ4),
    energy_mwh_compatible SimpleAggregateFunction(sum, UInt64) CODEC(T64, LZ4),
    cost_nano_usd SimpleAggregateFunction(sum, Int128) CODEC(ZSTD(1)),
    INDEX by_src_seq src_seq TYPE minmax GRANULARITY 1
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(window_start)
ORDER BY (src_topic, src_partition, node_id, window_start, model_id, task_source)
TTL window_start + INTERVAL 45 DAY
SETTINGS non_replicated_deduplication_window = 10000;

-- The same per quarter of an hour, for good: every time zone in use is a multiple of 15 minutes.
CREATE TABLE IF NOT EXISTS usage_15m
(
    src_topic LowCardinality(String) CODEC(ZSTD(1)),
    src_partition UInt16 CODEC(ZSTD(1)),
    src_seq SimpleAggregateFunction(max, UInt64) CODEC(ZSTD(1)),
    node_id String CODEC(ZSTD(1)),
    window_start DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
    model_id LowCardinality(String) CODEC(ZSTD(1)),
    task_source Enum8('own' = 0, 'hive' = 1, 'idle' = 2) CODEC(ZSTD(1)),
    events SimpleAggregateFunction(sum, UInt64) CODEC(T64, LZ4),
    late_events SimpleAggregateFunction(sum, UInt64) CODEC(T64, LZ4),
    tokens_in SimpleAggregateFunction(sum, UInt64) CODEC(T64, LZ4),
    tokens_out SimpleAggregateFunction(sum, UInt64) CODEC(T64, LZ4),
    duration_ms SimpleAggregateFunction(sum, UInt64) CODEC(T64, LZ4),
    gpu_ms_measured SimpleAggregateFunction(sum, UInt64) CODEC(T64, LZ4),
    gpu_ms_estimated SimpleAggregateFunction(sum, UInt64) CODEC(T64, LZ4),
    energy_mwh_measured SimpleAggregateFunction(sum, UInt64) CODEC(T64, LZ4),
    energy_mwh_estimated SimpleAggregateFunction(sum, UInt64) CODEC(T64, LZ4),
    energy_mwh_compatible SimpleAggregateFunction(sum, UInt64) CODEC(T64, LZ4),
    cost_nano_usd SimpleAggregateFunction(sum, Int128) CODEC(ZSTD(1)),
    INDEX by_src_seq src_seq TYPE minmax GRANULARITY 1
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(window_start)
ORDER BY (src_topic, src_partition, node_id, window_start, model_id, task_source)
SETTINGS non_replicated_deduplication_window = 10000;
