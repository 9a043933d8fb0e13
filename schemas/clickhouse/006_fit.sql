-- Where a task's logs stood when it wrote the newest block that is loaded; 0 in rows of before. A log that ends earlier
-- is an older copy.
ALTER TABLE watermarks ADD COLUMN IF NOT EXISTS position SimpleAggregateFunction(max, UInt64);
ALTER TABLE watermarks ADD COLUMN IF NOT EXISTS blocks_end SimpleAggregateFunction(max, UInt64);

-- What loading has to know beside the blocks, one row a (topic, partition) after merges:
-- reload_through, by the loader: up to this number blocks were inserted once before the tables came back from an older copy;
-- missing_through, by an operator: up to this number blocks may be missing from the log (docs/backup.md).
CREATE TABLE IF NOT EXISTS load_notes
(
    src_topic String,
    src_partition UInt16,
    reload_through SimpleAggregateFunction(max, UInt64),
    missing_through SimpleAggregateFunction(max, UInt64)
)
ENGINE = AggregatingMergeTree
ORDER BY (src_topic, src_partition);
