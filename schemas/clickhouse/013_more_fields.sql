-- What events may say since this version, each with what an event means that does not say it. Columns of 32 bits before them hold
-- at most what they can; whoever reads takes the wide ones.
ALTER TABLE usage_events ADD COLUMN IF NOT EXISTS wide_tokens_in UInt64 DEFAULT toUInt64(tokens_in) CODEC(T64, LZ4);
ALTER TABLE usage_events ADD COLUMN IF NOT EXISTS wide_tokens_out UInt64 DEFAULT toUInt64(tokens_out) CODEC(T64, LZ4);
ALTER TABLE usage_events ADD COLUMN IF NOT EXISTS wide_gpu_ms Nullable(UInt64) DEFAULT CAST(gpu_ms, 'Nullable(UInt64)') CODEC(ZSTD(1));
ALTER TABLE usage_events ADD COLUMN IF NOT EXISTS gpus UInt16 DEFAULT 1 CODEC(ZSTD(1));
ALTER TABLE usage_events ADD COLUMN IF NOT EXISTS inferences UInt32 DEFAULT 1 CODEC(ZSTD(1));
ALTER TABLE usage_events ADD COLUMN IF NOT EXISTS tokens_cached Nullable(UInt64) CODEC(ZSTD(1));
ALTER TABLE usage_events ADD COLUMN IF NOT EXISTS tokens_reasoning Nullable(UInt64) CODEC(ZSTD(1));
ALTER TABLE usage_events ADD COLUMN IF NOT EXISTS execution Enum8('none' = 0, 'api' = 1, 'local' = 2) DEFAULT 'none' CODEC(ZSTD(1));
ALTER TABLE usage_events ADD COLUMN IF NOT EXISTS labels Map(LowCardinality(String), String) CODEC(ZSTD(1));

-- An event of before stands for one call; what calls of paid APIs were estimated to was not told apart.
ALTER TABLE usage_1m ADD COLUMN IF NOT EXISTS inferences SimpleAggregateFunction(sum, Int128) DEFAULT CAST(events, 'Int128') CODEC(ZSTD(1));
ALTER TABLE usage_1m ADD COLUMN IF NOT EXISTS gpu_ms_paid_estimated SimpleAggregateFunction(sum, Int128) DEFAULT 0 CODEC(ZSTD(1));
ALTER TABLE usage_15m ADD COLUMN IF NOT EXISTS inferences SimpleAggregateFunction(sum, Int128) DEFAULT CAST(events, 'Int128') CODEC(ZSTD(1));
ALTER TABLE usage_15m ADD COLUMN IF NOT EXISTS gpu_ms_paid_estimated SimpleAggregateFunction(sum, Int128) DEFAULT 0 CODEC(ZSTD(1));

-- When a window last took in an event that came after it was final; the epoch for never, and for what came before this column.
ALTER TABLE usage_1m ADD COLUMN IF NOT EXISTS late_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) DEFAULT 0 CODEC(ZSTD(1));
ALTER TABLE usage_15m ADD COLUMN IF NOT EXISTS late_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) DEFAULT 0 CODEC(ZSTD(1));

ALTER TABLE usage_events
    COMMENT COLUMN wide_tokens_in 'Tokens that went in, whole',
    COMMENT COLUMN wide_tokens_out 'Tokens that came out, whole',
    COMMENT COLUMN wide_gpu_ms 'GPU time that was measured, milliseconds, whole; NULL where none was sent',
    COMMENT COLUMN gpus 'GPUs that worked at the same time',
    COMMENT COLUMN inferences 'Calls that the event stands for',
    COMMENT COLUMN tokens_cached 'Of the tokens that went in, those that came from a cache; NULL where it was not said',
    COMMENT COLUMN tokens_reasoning 'Of the tokens that came out, those of reasoning; NULL where it was not said',
    COMMENT COLUMN execution 'Where it ran, as the event said: a paid API or a local GPU; none where the table of models says it',
    COMMENT COLUMN labels 'Words of the sender';
ALTER TABLE usage_1m
    COMMENT COLUMN inferences 'Calls that the events stand for',
    COMMENT COLUMN gpu_ms_paid_estimated 'Of the estimated GPU time, that of paid calls, milliseconds',
    COMMENT COLUMN late_at 'Receipt of the newest event that came when the window was final already; the epoch for none';
ALTER TABLE usage_15m
    COMMENT COLUMN inferences 'Calls that the events stand for',
    COMMENT COLUMN gpu_ms_paid_estimated 'Of the estimated GPU time, that of paid calls, milliseconds',
    COMMENT COLUMN late_at 'Receipt of the newest event that came when the window was final already; the epoch for none';
