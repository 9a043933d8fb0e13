-- One row a cost, in the node's own sequence. Never updated: whether it is paid follows from the settlements' ranges.
CREATE TABLE IF NOT EXISTS cost_decisions
(
    src_topic LowCardinality(String) CODEC(ZSTD(1)),
    src_partition UInt16 CODEC(ZSTD(1)),
    src_seq UInt64 CODEC(DoubleDelta, ZSTD(1)),
    node_id String CODEC(ZSTD(1)),
    cost_seq UInt64 CODEC(DoubleDelta, ZSTD(1)),
    event_id UUID CODEC(NONE),
    operator_id LowCardinality(String) CODEC(ZSTD(1)),
    task_source Enum8('own' = 0, 'hive' = 1, 'idle' = 2) CODEC(ZSTD(1)),
    occurred_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    decided_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    decision Enum8('pending' = 1, 'written_off' = 2, 'not_allowed' = 3, 'over_limit' = 4) CODEC(ZSTD(1)),
    cost_nano_usd UInt64 CODEC(T64, LZ4),
    spark UInt64 CODEC(T64, LZ4),
    spark_per_usd UInt64 CODEC(ZSTD(1)),
    rules_version UInt32 CODEC(ZSTD(1)),
    reservation_id String CODEC(ZSTD(1)),
    INDEX by_src_seq src_seq TYPE minmax GRANULARITY 1,
    INDEX by_event_id event_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(decided_at)
ORDER BY (node_id, cost_seq)
SETTINGS non_replicated_deduplication_window = 10000;

-- A settlement pays the payable costs of (from_seq, to_seq] of one node. Ranges tile.
CREATE TABLE IF NOT EXISTS settlements
(
    src_topic LowCardinality(String) CODEC(ZSTD(1)),
    src_partition UInt16 CODEC(ZSTD(1)),
    src_seq UInt64 CODEC(DoubleDelta, ZSTD(1)),
    node_id String CODEC(ZSTD(1)),
    settlement_id UUID CODEC(NONE),
    operator_id LowCardinality(String) CODEC(ZSTD(1)),
    from_seq UInt64 CODEC(ZSTD(1)),
    to_seq UInt64 CODEC(ZSTD(1)),
    costs UInt64 CODEC(T64, LZ4),
    cost_nano_usd Int128 CODEC(ZSTD(1)),
    spark UInt64 CODEC(T64, LZ4),
    settled_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    reason Enum8('threshold' = 1, 'claimed' = 2, 'requested' = 3) CODEC(ZSTD(1)),
    INDEX by_src_seq src_seq TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(settled_at)
ORDER BY (node_id, to_seq)
SETTINGS non_replicated_deduplication_window = 10000;

-- Double entry: each payment is two legs, one of them the issuer's, and all legs sum to zero.
CREATE TABLE IF NOT EXISTS wallet_ledger
(
    src_topic LowCardinality(String) CODEC(ZSTD(1)),
    src_partition UInt16 CODEC(ZSTD(1)),
    src_seq UInt64 CODEC(DoubleDelta, ZSTD(1)),
    wallet_id String CODEC(ZSTD(1)),
    entry_id UUID CODEC(NONE),
    counter_wallet_id String CODEC(ZSTD(1)),
    node_id String CODEC(ZSTD(1)),
    kind LowCardinality(String) CODEC(ZSTD(1)),
    reference_id UUID CODEC(NONE),
    micro_spark Int64 CODEC(T64, LZ4),
    booked_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    INDEX by_src_seq src_seq TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(booked_at)
ORDER BY (wallet_id, booked_at, src_partition, src_seq, entry_id)
SETTINGS non_replicated_deduplication_window = 10000;
