-- What the machines of hosting fleets said, one row a sample that was taken in: what a chart of a machine is made from. Boards,
-- pools and texts of a sample are in the log alone. Ordered by the worker and its time; a machine that no worker is known for
-- has the empty worker, and stands by its fingerprint. A block has the rows of one day.
-- Ten days are for whoever looks, and one is for the loader: a block is kept for seven days and its samples may be 80 hours
-- older, and what it loads again must not be gone by its age at once.
CREATE TABLE IF NOT EXISTS fleet_samples
(
    src_topic LowCardinality(String) COMMENT 'Topic of the block that brought this row' CODEC(ZSTD(1)),
    src_partition UInt16 COMMENT 'Partition of that topic' CODEC(ZSTD(1)),
    src_seq UInt64 COMMENT 'Number of that block in its partition' CODEC(DoubleDelta, ZSTD(1)),
    provider_id LowCardinality(String) COMMENT 'Hosting provider' CODEC(ZSTD(1)),
    location_id LowCardinality(String) COMMENT 'Location of the node' CODEC(ZSTD(1)),
    node_id LowCardinality(String) COMMENT 'Node that asked the machine' CODEC(ZSTD(1)),
    worker_id String COMMENT 'Worker of the inventory that the machine is; empty where it is none' CODEC(ZSTD(1)),
    fingerprint String COMMENT 'Serial number of the machine, else its MAC as it says it, else that of the ARP table, else empty' CODEC(ZSTD(1)),
    observed_at DateTime64(3, 'UTC') COMMENT 'When the node asked it, by the time that the node keeps' CODEC(DoubleDelta, ZSTD(1)),
    received_at DateTime64(3, 'UTC') COMMENT 'When the log took the batch' CODEC(DoubleDelta, ZSTD(1)),
    record_offset UInt64 COMMENT 'Offset of the batch in fleet.inbox' CODEC(DoubleDelta, ZSTD(1)),
    record_index UInt32 COMMENT 'Place of the sample in its batch, from 0' CODEC(T64, LZ4),
    epoch UInt64 COMMENT 'Start of the node to which the number belongs' CODEC(ZSTD(1)),
    seq UInt64 COMMENT 'Number that the node gave to the sample' CODEC(DoubleDelta, ZSTD(1)),
    lane Enum8('live' = 1, 'replay' = 2) COMMENT 'Whether it was sent at once, or later out of the spool of the node' CODEC(ZSTD(1)),
    outcome Enum8('current' = 1, 'late' = 2, 'bridged_over' = 3, 'covered' = 4, 'repeat' = 5, 'shadow' = 6, 'conflict' = 7, 'discovered' = 8, 'misplaced' = 9, 'quarantined' = 10, 'refused' = 11) COMMENT 'What became of it' CODEC(ZSTD(1)),
    interval_s UInt16 COMMENT 'How often the node asks each machine, seconds' CODEC(T64, LZ4),
    address LowCardinality(String) COMMENT 'Where the node asked it; empty where that was not said' CODEC(ZSTD(1)),
    algorithm LowCardinality(String) COMMENT 'Algorithm of all rates; empty where it is unknown' CODEC(ZSTD(1)),
    hashrate_now_hs Nullable(UInt64) COMMENT 'Rate now, hashes per second' CODEC(ZSTD(1)),
    hashrate_5m_hs Nullable(UInt64) COMMENT 'Rate over 5 minutes as the device averages it, hashes per second' CODEC(ZSTD(1)),
    hashrate_avg_hs Nullable(UInt64) COMMENT 'Rate since the mining process started, hashes per second' CODEC(ZSTD(1)),
    hashrate_nominal_hs Nullable(UInt64) COMMENT 'Rate that the device should have, hashes per second' CODEC(ZSTD(1)),
    hw_errors Nullable(UInt64) COMMENT 'Hardware errors since the mining process started' CODEC(ZSTD(1)),
    power_w Nullable(Float64) COMMENT 'Power, watts' CODEC(ZSTD(1)),
    power_limit_w Nullable(Float64) COMMENT 'Limit of power that is set, watts' CODEC(ZSTD(1)),
    power_source LowCardinality(String) COMMENT 'Where the watts come from; empty where there are none' CODEC(ZSTD(1)),
    energy_wh_total Nullable(Float64) COMMENT 'Counter of energy, watt-hours' CODEC(ZSTD(1)),
    uptime_s Nullable(Float64) COMMENT 'Since the mining process started, seconds' CODEC(ZSTD(1)),
    temp_inlet_c Nullable(Float64) COMMENT 'Air that goes in, degrees Celsius' CODEC(ZSTD(1)),
    temp_outlet_c Nullable(Float64) COMMENT 'Air that comes out, degrees Celsius' CODEC(ZSTD(1)),
    temp_board_max_c Nullable(Float64) COMMENT 'Hottest board, degrees Celsius' CODEC(ZSTD(1)),
    temp_chip_max_c Nullable(Float64) COMMENT 'Hottest chip, degrees Celsius' CODEC(ZSTD(1)),
    fan_rpm_min Nullable(Float64) COMMENT 'Slowest fan, revolutions per minute' CODEC(ZSTD(1)),
    boards_online Nullable(UInt64) COMMENT 'Hashboards that work' CODEC(ZSTD(1)),
    boards_expected Nullable(UInt64) COMMENT 'Hashboards that the model has' CODEC(ZSTD(1)),
    chips_online Nullable(UInt64) COMMENT 'Chips that work' CODEC(ZSTD(1)),
    shares_accepted Nullable(UInt64) COMMENT 'Accepted shares since the mining process started' CODEC(ZSTD(1)),
    shares_rejected Nullable(UInt64) COMMENT 'Rejected shares since the mining process started' CODEC(ZSTD(1)),
    shares_stale Nullable(UInt64) COMMENT 'Stale shares since the mining process started' CODEC(ZSTD(1)),
    mode LowCardinality(String) COMMENT 'Mode of the device; empty where it is unknown' CODEC(ZSTD(1)),
    is_mining Nullable(UInt8) COMMENT 'Whether the device means to mine: 1 or 0' CODEC(ZSTD(1)),
    INDEX by_src_seq src_seq TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(observed_at)
ORDER BY (provider_id, worker_id, fingerprint, observed_at, record_offset, record_index)
TTL toDateTime(observed_at) + INTERVAL 11 DAY
SETTINGS non_replicated_deduplication_window = 10000;

ALTER TABLE fleet_samples
    MODIFY COMMENT 'What the machines of hosting fleets said, one row a sample. Kept 11 days: longer than its block, and a sample may be old';
