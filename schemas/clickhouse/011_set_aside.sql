-- Events set aside, one row each, for the node that they name: what was sent, and why it does not count. The record that
-- they came in stands in dead_letters, whole; here is nothing of any other node.
CREATE TABLE IF NOT EXISTS set_aside
(
    src_topic LowCardinality(String) CODEC(ZSTD(1)),
    src_partition UInt16 CODEC(ZSTD(1)),
    src_seq UInt64 CODEC(DoubleDelta, ZSTD(1)),
    node_id String CODEC(ZSTD(1)),
    event_id String CODEC(ZSTD(1)),
    reason LowCardinality(String) CODEC(ZSTD(1)),
    detail String CODEC(ZSTD(1)),
    topic LowCardinality(String) CODEC(ZSTD(1)),
    partition UInt16 CODEC(ZSTD(1)),
    record_offset UInt64 CODEC(DoubleDelta, ZSTD(1)),
    record_index UInt32 CODEC(T64, LZ4),
    received_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    set_aside_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    event String CODEC(ZSTD(3)),
    INDEX by_src_seq src_seq TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (node_id, received_at, record_offset, record_index)
SETTINGS non_replicated_deduplication_window = 10000;
