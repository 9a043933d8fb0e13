-- One row a (topic, partition) after merges: how far the loader has come. No TTL, or an idle partition would forget.
CREATE TABLE IF NOT EXISTS watermarks
(
    src_topic String,
    src_partition UInt16,
    src_seq SimpleAggregateFunction(max, UInt64),
    watermark SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY (src_topic, src_partition)
SETTINGS non_replicated_deduplication_window = 10000;

-- Records set aside, one row each, with the original's bytes: nothing that arrived is lost, and replay reads this.
CREATE TABLE IF NOT EXISTS dead_letters
(
    src_topic LowCardinality(String) CODEC(ZSTD(1)),
    src_partition UInt16 CODEC(ZSTD(1)),
    src_seq UInt64 CODEC(DoubleDelta, ZSTD(1)),
    topic LowCardinality(String) CODEC(ZSTD(1)),
    partition UInt16 CODEC(ZSTD(1)),
    record_offset UInt64 CODEC(DoubleDelta, ZSTD(1)),
    received_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    set_aside_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    key Nullable(String) CODEC(ZSTD(1)),
    value Nullable(String) CODEC(ZSTD(3)),
    header_names Array(String) CODEC(ZSTD(1)),
    header_values Array(String) CODEC(ZSTD(1)),
    reasons Array(LowCardinality(String)) CODEC(ZSTD(1)),
    indexes Array(Int32) CODEC(ZSTD(1)),
    details Array(String) CODEC(ZSTD(1)),
    INDEX by_src_seq src_seq TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (topic, partition, record_offset)
SETTINGS non_replicated_deduplication_window = 10000;
