-- What nobody asked for by a command and an operator wants to know of later: keys made and revoked, tiers that changed,
-- operators that an event or heartbeat named, credentials and nodes that were refused. Commands are rows of audit_log.
CREATE TABLE IF NOT EXISTS audit
(
    src_topic LowCardinality(String) CODEC(ZSTD(1)),
    src_partition UInt16 CODEC(ZSTD(1)),
    src_seq UInt64 CODEC(DoubleDelta, ZSTD(1)),
    noted_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    entry_id UUID CODEC(NONE),
    kind LowCardinality(String) CODEC(ZSTD(1)),
    subject String CODEC(ZSTD(1)),
    node_id String CODEC(ZSTD(1)),
    address String CODEC(ZSTD(1)),
    value_before String CODEC(ZSTD(1)),
    value_after String CODEC(ZSTD(1)),
    times UInt64 CODEC(T64, LZ4),
    reason LowCardinality(String) CODEC(ZSTD(1)),
    INDEX by_src_seq src_seq TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(noted_at)
ORDER BY (noted_at, src_partition, src_seq, entry_id)
SETTINGS non_replicated_deduplication_window = 10000;
