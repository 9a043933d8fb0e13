-- What the workers of hosting fleets did, one row a worker, 5 minutes and part of them: rows are deltas that add up, so that
-- the rows with src_seq <= n are what was known at block n. Late data are rows of their own.
CREATE TABLE IF NOT EXISTS fleet_5m
(
    src_topic LowCardinality(String) COMMENT 'Topic of the block that brought this row' CODEC(ZSTD(1)),
    src_partition UInt16 COMMENT 'Partition of that topic' CODEC(ZSTD(1)),
    src_seq UInt64 COMMENT 'Number of that block in its partition' CODEC(DoubleDelta, ZSTD(1)),
    provider_id LowCardinality(String) COMMENT 'Hosting provider' CODEC(ZSTD(1)),
    worker_id String COMMENT 'Id of the worker' CODEC(ZSTD(1)),
    cell DateTime('UTC') COMMENT 'Begin of the 5 minutes' CODEC(DoubleDelta, ZSTD(1)),
    location_id LowCardinality(String) COMMENT 'Location of the worker then; empty where it had none' CODEC(ZSTD(1)),
    container_id LowCardinality(String) COMMENT 'Container of the worker then; empty where it had none' CODEC(ZSTD(1)),
    algorithm LowCardinality(String) COMMENT 'Algorithm of its model; empty where it is unknown' CODEC(ZSTD(1)),
    late UInt8 COMMENT '1 for a part of a cell whose first row had been written' CODEC(T64, LZ4),
    hashing_s UInt16 COMMENT 'Time in which it hashed, seconds' CODEC(T64, LZ4),
    idle_s UInt16 COMMENT 'Time in which it answered and did not hash, seconds' CODEC(T64, LZ4),
    resting_s UInt16 COMMENT 'Time in which it was set not to work, seconds' CODEC(T64, LZ4),
    unreachable_s UInt16 COMMENT 'Time in which it did not answer its node, seconds' CODEC(T64, LZ4),
    unheard_s UInt16 COMMENT 'Time in which its node polled and has nothing of it, seconds' CODEC(T64, LZ4),
    unreadable_s UInt16 COMMENT 'Time in which it answered and could not be read, seconds' CODEC(T64, LZ4),
    bridged_s UInt16 COMMENT 'Of all of these, time between two readings that are close enough, seconds' CODEC(T64, LZ4),
    commissioned_s UInt16 COMMENT 'Time in which it was commissioned; what the others do not fill is unknown, seconds' CODEC(T64, LZ4),
    hashes Int128 COMMENT 'Sum of rate times seconds: hashes' CODEC(ZSTD(1)),
    miner_psu_j Int64 COMMENT 'Energy by its power supply, joules' CODEC(T64, LZ4),
    miner_psu_s UInt16 COMMENT 'Time of that energy, seconds' CODEC(T64, LZ4),
    miner_j Int64 COMMENT 'Energy by its own meter, joules' CODEC(T64, LZ4),
    miner_s UInt16 COMMENT 'Time of that energy, seconds' CODEC(T64, LZ4),
    miner_estimate_j Int64 COMMENT 'Energy by its own estimate, scaled by the boards that work, joules' CODEC(T64, LZ4),
    miner_estimate_s UInt16 COMMENT 'Time of that energy, seconds' CODEC(T64, LZ4),
    gpu_sum_j Int64 COMMENT 'Energy by the sum over its cards, joules' CODEC(T64, LZ4),
    gpu_sum_s UInt16 COMMENT 'Time of that energy, seconds' CODEC(T64, LZ4),
    nameplate_j Int64 COMMENT 'Energy by the nameplate, scaled by rate and boards, where no watts were reported, joules' CODEC(T64, LZ4),
    nameplate_s UInt16 COMMENT 'Time of that energy, seconds' CODEC(T64, LZ4),
    meter_j Int64 COMMENT 'Energy by a meter of its own, joules' CODEC(T64, LZ4),
    meter_s UInt16 COMMENT 'Time of that energy, seconds' CODEC(T64, LZ4),
    billed_reading_j Int64 COMMENT 'Energy that is billed as reported, joules' CODEC(T64, LZ4),
    billed_meter_j Int64 COMMENT 'Energy that is billed as metered, joules' CODEC(T64, LZ4),
    estimated_j Int64 COMMENT 'Energy that a contract has estimated, joules: taken back where the time is filled' CODEC(T64, LZ4),
    chip_slots UInt8 COMMENT 'Slots of 30 s with a temperature of the hottest chip' CODEC(T64, LZ4),
    chip_sum_dc Int32 COMMENT 'Sum of that temperature over these slots, tenths of a degree Celsius' CODEC(ZSTD(1)),
    chip_min_dc Nullable(Int32) COMMENT 'Lowest of that temperature, tenths of a degree Celsius; NULL where there is none' CODEC(ZSTD(1)),
    chip_max_dc Nullable(Int32) COMMENT 'Highest of that temperature, tenths of a degree Celsius; NULL where there is none' CODEC(ZSTD(1)),
    board_slots UInt8 COMMENT 'Slots of 30 s with a temperature of the hottest board' CODEC(T64, LZ4),
    board_sum_dc Int32 COMMENT 'Sum of that temperature over these slots, tenths of a degree Celsius' CODEC(ZSTD(1)),
    board_min_dc Nullable(Int32) COMMENT 'Lowest of that temperature, tenths of a degree Celsius; NULL where there is none' CODEC(ZSTD(1)),
    board_max_dc Nullable(Int32) COMMENT 'Highest of that temperature, tenths of a degree Celsius; NULL where there is none' CODEC(ZSTD(1)),
    inlet_slots UInt8 COMMENT 'Slots of 30 s with a temperature of the air that goes in' CODEC(T64, LZ4),
    inlet_sum_dc Int32 COMMENT 'Sum of that temperature over these slots, tenths of a degree Celsius' CODEC(ZSTD(1)),
    inlet_min_dc Nullable(Int32) COMMENT 'Lowest of that temperature, tenths of a degree Celsius; NULL where there is none' CODEC(ZSTD(1)),
    inlet_max_dc Nullable(Int32) COMMENT 'Highest of that temperature, tenths of a degree Celsius; NULL where there is none' CODEC(ZSTD(1)),
    shares_accepted Int64 COMMENT 'Accepted shares' CODEC(T64, LZ4),
    shares_rejected Int64 COMMENT 'Rejected shares' CODEC(T64, LZ4),
    shares_stale Int64 COMMENT 'Stale shares' CODEC(T64, LZ4),
    difficulty Int64 COMMENT 'Difficulty of the accepted shares' CODEC(ZSTD(1)),
    shares_accepted_across_gap Int64 COMMENT 'Of the accepted shares, those counted across a gap: they stand where it ends' CODEC(T64, LZ4),
    difficulty_across_gap Int64 COMMENT 'Of the difficulty, what was counted across a gap' CODEC(ZSTD(1)),
    restarts UInt8 COMMENT 'Starts of the mining process' CODEC(T64, LZ4),
    unknown_counters UInt8 COMMENT 'Counters that fell for no known reason: what they added is lost' CODEC(T64, LZ4),
    INDEX by_src_seq src_seq TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(cell)
ORDER BY (provider_id, worker_id, cell, src_seq)
TTL cell + INTERVAL 400 DAY
SETTINGS non_replicated_deduplication_window = 10000;

ALTER TABLE fleet_5m
    MODIFY COMMENT 'What the workers of hosting fleets did in 5 minutes. Rows are deltas: whoever reads adds them up. Kept 400 days';

-- The same sums a minute over the workers of one algorithm, location and container.
CREATE TABLE IF NOT EXISTS fleet_1m
(
    src_topic LowCardinality(String) COMMENT 'Topic of the block that brought this row' CODEC(ZSTD(1)),
    src_partition UInt16 COMMENT 'Partition of that topic' CODEC(ZSTD(1)),
    src_seq SimpleAggregateFunction(max, UInt64) COMMENT 'Highest number of the blocks that brought these rows' CODEC(ZSTD(1)),
    provider_id LowCardinality(String) COMMENT 'Hosting provider' CODEC(ZSTD(1)),
    minute DateTime('UTC') COMMENT 'Begin of the minute' CODEC(DoubleDelta, ZSTD(1)),
    algorithm LowCardinality(String) COMMENT 'Algorithm of the workers; empty where it is unknown' CODEC(ZSTD(1)),
    location_id LowCardinality(String) COMMENT 'Location of the workers then; empty where they had none' CODEC(ZSTD(1)),
    container_id LowCardinality(String) COMMENT 'Container of the workers then; empty where they had none' CODEC(ZSTD(1)),
    hashing_s SimpleAggregateFunction(sum, Int64) COMMENT 'Time in which it hashed, seconds' CODEC(T64, LZ4),
    idle_s SimpleAggregateFunction(sum, Int64) COMMENT 'Time in which it answered and did not hash, seconds' CODEC(T64, LZ4),
    resting_s SimpleAggregateFunction(sum, Int64) COMMENT 'Time in which it was set not to work, seconds' CODEC(T64, LZ4),
    unreachable_s SimpleAggregateFunction(sum, Int64) COMMENT 'Time in which it did not answer its node, seconds' CODEC(T64, LZ4),
    unheard_s SimpleAggregateFunction(sum, Int64) COMMENT 'Time in which its node polled and has nothing of it, seconds' CODEC(T64, LZ4),
    unreadable_s SimpleAggregateFunction(sum, Int64) COMMENT 'Time in which it answered and could not be read, seconds' CODEC(T64, LZ4),
    bridged_s SimpleAggregateFunction(sum, Int64) COMMENT 'Of all of these, time between two readings that are close enough, seconds' CODEC(T64, LZ4),
    commissioned_s SimpleAggregateFunction(sum, Int64) COMMENT 'Time in which it was commissioned; what the others do not fill is unknown, seconds' CODEC(T64, LZ4),
    hashes SimpleAggregateFunction(sum, Int128) COMMENT 'Sum of rate times seconds: hashes' CODEC(ZSTD(1)),
    miner_psu_j SimpleAggregateFunction(sum, Int64) COMMENT 'Energy by its power supply, joules' CODEC(T64, LZ4),
    miner_psu_s SimpleAggregateFunction(sum, Int64) COMMENT 'Time of that energy, seconds' CODEC(T64, LZ4),
    miner_j SimpleAggregateFunction(sum, Int64) COMMENT 'Energy by its own meter, joules' CODEC(T64, LZ4),
    miner_s SimpleAggregateFunction(sum, Int64) COMMENT 'Time of that energy, seconds' CODEC(T64, LZ4),
    miner_estimate_j SimpleAggregateFunction(sum, Int64) COMMENT 'Energy by its own estimate, scaled by the boards that work, joules' CODEC(T64, LZ4),
    miner_estimate_s SimpleAggregateFunction(sum, Int64) COMMENT 'Time of that energy, seconds' CODEC(T64, LZ4),
    gpu_sum_j SimpleAggregateFunction(sum, Int64) COMMENT 'Energy by the sum over its cards, joules' CODEC(T64, LZ4),
    gpu_sum_s SimpleAggregateFunction(sum, Int64) COMMENT 'Time of that energy, seconds' CODEC(T64, LZ4),
    nameplate_j SimpleAggregateFunction(sum, Int64) COMMENT 'Energy by the nameplate, scaled by rate and boards, where no watts were reported, joules' CODEC(T64, LZ4),
    nameplate_s SimpleAggregateFunction(sum, Int64) COMMENT 'Time of that energy, seconds' CODEC(T64, LZ4),
    meter_j SimpleAggregateFunction(sum, Int64) COMMENT 'Energy by a meter of its own, joules' CODEC(T64, LZ4),
    meter_s SimpleAggregateFunction(sum, Int64) COMMENT 'Time of that energy, seconds' CODEC(T64, LZ4),
    billed_reading_j SimpleAggregateFunction(sum, Int64) COMMENT 'Energy that is billed as reported, joules' CODEC(T64, LZ4),
    billed_meter_j SimpleAggregateFunction(sum, Int64) COMMENT 'Energy that is billed as metered, joules' CODEC(T64, LZ4),
    estimated_j SimpleAggregateFunction(sum, Int64) COMMENT 'Energy that a contract has estimated, joules: taken back where the time is filled' CODEC(T64, LZ4),
    chip_slots SimpleAggregateFunction(sum, Int64) COMMENT 'Slots of 30 s with a temperature of the hottest chip' CODEC(T64, LZ4),
    chip_sum_dc SimpleAggregateFunction(sum, Int64) COMMENT 'Sum of that temperature over these slots, tenths of a degree Celsius' CODEC(ZSTD(1)),
    chip_min_dc SimpleAggregateFunction(min, Nullable(Int32)) COMMENT 'Lowest of that temperature, tenths of a degree Celsius; NULL where there is none' CODEC(ZSTD(1)),
    chip_max_dc SimpleAggregateFunction(max, Nullable(Int32)) COMMENT 'Highest of that temperature, tenths of a degree Celsius; NULL where there is none' CODEC(ZSTD(1)),
    board_slots SimpleAggregateFunction(sum, Int64) COMMENT 'Slots of 30 s with a temperature of the hottest board' CODEC(T64, LZ4),
    board_sum_dc SimpleAggregateFunction(sum, Int64) COMMENT 'Sum of that temperature over these slots, tenths of a degree Celsius' CODEC(ZSTD(1)),
    board_min_dc SimpleAggregateFunction(min, Nullable(Int32)) COMMENT 'Lowest of that temperature, tenths of a degree Celsius; NULL where there is none' CODEC(ZSTD(1)),
    board_max_dc SimpleAggregateFunction(max, Nullable(Int32)) COMMENT 'Highest of that temperature, tenths of a degree Celsius; NULL where there is none' CODEC(ZSTD(1)),
    inlet_slots SimpleAggregateFunction(sum, Int64) COMMENT 'Slots of 30 s with a temperature of the air that goes in' CODEC(T64, LZ4),
    inlet_sum_dc SimpleAggregateFunction(sum, Int64) COMMENT 'Sum of that temperature over these slots, tenths of a degree Celsius' CODEC(ZSTD(1)),
    inlet_min_dc SimpleAggregateFunction(min, Nullable(Int32)) COMMENT 'Lowest of that temperature, tenths of a degree Celsius; NULL where there is none' CODEC(ZSTD(1)),
    inlet_max_dc SimpleAggregateFunction(max, Nullable(Int32)) COMMENT 'Highest of that temperature, tenths of a degree Celsius; NULL where there is none' CODEC(ZSTD(1)),
    shares_accepted SimpleAggregateFunction(sum, Int64) COMMENT 'Accepted shares' CODEC(T64, LZ4),
    shares_rejected SimpleAggregateFunction(sum, Int64) COMMENT 'Rejected shares' CODEC(T64, LZ4),
    shares_stale SimpleAggregateFunction(sum, Int64) COMMENT 'Stale shares' CODEC(T64, LZ4),
    difficulty SimpleAggregateFunction(sum, Int128) COMMENT 'Difficulty of the accepted shares' CODEC(ZSTD(1)),
    shares_accepted_across_gap SimpleAggregateFunction(sum, Int64) COMMENT 'Of the accepted shares, those counted across a gap: they stand where it ends' CODEC(T64, LZ4),
    difficulty_across_gap SimpleAggregateFunction(sum, Int128) COMMENT 'Of the difficulty, what was counted across a gap' CODEC(ZSTD(1)),
    restarts SimpleAggregateFunction(sum, Int64) COMMENT 'Starts of the mining process' CODEC(T64, LZ4),
    unknown_counters SimpleAggregateFunction(sum, Int64) COMMENT 'Counters that fell for no known reason: what they added is lost' CODEC(T64, LZ4),
    INDEX by_src_seq src_seq TYPE minmax GRANULARITY 1
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(minute)
ORDER BY (src_topic, src_partition, provider_id, minute, algorithm, location_id, container_id)
TTL minute + INTERVAL 45 DAY
SETTINGS non_replicated_deduplication_window = 10000;

ALTER TABLE fleet_1m
    MODIFY COMMENT 'What the workers of hosting fleets did in a minute, by algorithm, location and container. Rows are deltas: whoever reads adds them up. Kept 45 days';

-- Every change of a worker's status, reason, or of whether anything is known of it, with what it was decided by.
CREATE TABLE IF NOT EXISTS fleet_status
(
    src_topic LowCardinality(String) COMMENT 'Topic of the block that brought this row' CODEC(ZSTD(1)),
    src_partition UInt16 COMMENT 'Partition of that topic' CODEC(ZSTD(1)),
    src_seq UInt64 COMMENT 'Number of that block in its partition' CODEC(DoubleDelta, ZSTD(1)),
    provider_id LowCardinality(String) COMMENT 'Hosting provider' CODEC(ZSTD(1)),
    worker_id String COMMENT 'Id of the worker' CODEC(ZSTD(1)),
    changed_at DateTime64(3, 'UTC') COMMENT 'Log time as of which it changed: of the sample, or when the timer was due' CODEC(DoubleDelta, ZSTD(1)),
    version UInt32 COMMENT 'Number of the change of this worker, from 1' CODEC(T64, LZ4),
    status LowCardinality(String) COMMENT 'Status from then on' CODEC(ZSTD(1)),
    reason LowCardinality(String) COMMENT 'Reason of the status' CODEC(ZSTD(1)),
    unknown UInt8 COMMENT '1 where nothing is known of the worker' CODEC(T64, LZ4),
    status_before LowCardinality(String) COMMENT 'Status before; empty at its commissioning' CODEC(ZSTD(1)),
    reason_before LowCardinality(String) COMMENT 'Reason before' CODEC(ZSTD(1)),
    unknown_before UInt8 COMMENT '1 where nothing was known of it' CODEC(T64, LZ4),
    status_since DateTime64(3, 'UTC') COMMENT 'Since when it has this status' CODEC(DoubleDelta, ZSTD(1)),
    reason_since DateTime64(3, 'UTC') COMMENT 'Since when it has this status with this reason' CODEC(DoubleDelta, ZSTD(1)),
    cause Enum8('sample' = 1, 'poll' = 2, 'timer' = 3, 'command' = 4) COMMENT 'What led to the change' CODEC(ZSTD(1)),
    timer LowCardinality(String) COMMENT 'Which timer was due; empty for another cause' CODEC(ZSTD(1)),
    node_id LowCardinality(String) COMMENT 'Node of the sample or poll; empty for another cause' CODEC(ZSTD(1)),
    epoch UInt64 COMMENT 'Start of that node; 0 for another cause' CODEC(ZSTD(1)),
    seq UInt64 COMMENT 'Number that the node gave; 0 for another cause' CODEC(ZSTD(1)),
    record_offset Nullable(UInt64) COMMENT 'Offset of the record in fleet.inbox; NULL for a timer' CODEC(ZSTD(1)),
    record_index UInt32 COMMENT 'Place of the item in its record, from 0' CODEC(T64, LZ4),
    observed_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Time of the sample or poll; NULL for another cause' CODEC(ZSTD(1)),
    r5_hs Nullable(Float64) COMMENT 'Rate over 5 minutes, hashes per second; NULL where it is not known' CODEC(ZSTD(1)),
    r10_hs Nullable(Float64) COMMENT 'Rate over 10 minutes, hashes per second; NULL where it is not known' CODEC(ZSTD(1)),
    intended_hs Nullable(Float64) COMMENT 'Intended rate, hashes per second; NULL where it is not known' CODEC(ZSTD(1)),
    delivered_pct Nullable(Float64) COMMENT 'Delivered work as percent of the reported; NULL where it is not known' CODEC(ZSTD(1)),
    shares UInt64 COMMENT 'Shares of the last 30 minutes' CODEC(T64, LZ4),
    power_w Nullable(Float64) COMMENT 'Power, watts; NULL where it was not reported' CODEC(ZSTD(1)),
    power_source LowCardinality(String) COMMENT 'Where the watts come from' CODEC(ZSTD(1)),
    intended_w Nullable(Float64) COMMENT 'Intended power, watts; NULL where it is not known' CODEC(ZSTD(1)),
    target_pct Float64 COMMENT 'Percent of the intended rate and power that windows leave' CODEC(ZSTD(1)),
    window_from Nullable(DateTime64(3, 'UTC')) COMMENT 'When the event began whose windows are active; NULL without one' CODEC(ZSTD(1)),
    sample_at Nullable(DateTime64(3, 'UTC')) COMMENT 'Time of the newest current sample; NULL where there was none' CODEC(ZSTD(1)),
    engine UInt32 COMMENT 'Version of the rules' CODEC(T64, LZ4),
    versions String COMMENT 'Versions of the inventory that were looked at, as JSON' CODEC(ZSTD(1)),
    INDEX by_src_seq src_seq TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(changed_at)
ORDER BY (provider_id, worker_id, changed_at, version)
TTL toDateTime(changed_at) + INTERVAL 400 DAY
SETTINGS non_replicated_deduplication_window = 10000;

ALTER TABLE fleet_status
    MODIFY COMMENT 'Changes of the status of workers of hosting fleets, with their evidence. Kept 400 days';
