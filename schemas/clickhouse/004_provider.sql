-- What a cost was judged by, and what it earns to the micro-Spark: the exact mode pays fractions.
ALTER TABLE cost_decisions ADD COLUMN IF NOT EXISTS micro_spark Int64 DEFAULT toInt64(spark) * 1000000 CODEC(T64, LZ4);
ALTER TABLE cost_decisions ADD COLUMN IF NOT EXISTS budget_day Date DEFAULT toDate(occurred_at) CODEC(ZSTD(1));
ALTER TABLE cost_decisions ADD COLUMN IF NOT EXISTS day_spent_nano_usd UInt64 DEFAULT 0 CODEC(T64, LZ4);
ALTER TABLE cost_decisions ADD COLUMN IF NOT EXISTS day_limit_nano_usd UInt64 DEFAULT 0 CODEC(ZSTD(1));

ALTER TABLE settlements ADD COLUMN IF NOT EXISTS micro_spark Int64 DEFAULT toInt64(spark) * 1000000 CODEC(T64, LZ4);

-- A node that changes hands is settled for the operator before.
ALTER TABLE settlements MODIFY COLUMN reason Enum8('threshold' = 1, 'claimed' = 2, 'requested' = 3, 'transferred' = 4) CODEC(ZSTD(1));

-- For people: what a reward was given for.
ALTER TABLE wallet_ledger ADD COLUMN IF NOT EXISTS detail String DEFAULT '' CODEC(ZSTD(1));

-- One row a command, as the settler decided it: who asked what of which node, and what came of it.
CREATE TABLE IF NOT EXISTS audit_log
(
    src_topic LowCardinality(String) CODEC(ZSTD(1)),
    src_partition UInt16 CODEC(ZSTD(1)),
    src_seq UInt64 CODEC(DoubleDelta, ZSTD(1)),
    node_id String CODEC(ZSTD(1)),
    command_id UUID CODEC(NONE),
    caller LowCardinality(String) CODEC(ZSTD(1)),
    kind LowCardinality(String) CODEC(ZSTD(1)),
    status UInt16 CODEC(ZSTD(1)),
    code LowCardinality(String) CODEC(ZSTD(1)),
    asked String CODEC(ZSTD(1)),
    changes String CODEC(ZSTD(1)),
    result String CODEC(ZSTD(1)),
    account_version UInt64 CODEC(DoubleDelta, ZSTD(1)),
    decided_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    INDEX by_src_seq src_seq TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(decided_at)
ORDER BY (node_id, decided_at, src_seq)
SETTINGS non_replicated_deduplication_window = 10000;
