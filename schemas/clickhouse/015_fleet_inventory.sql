-- Every version that the inventory of a hosting provider has ever had: what a bill or a status of any day can be worked out
-- from. Rows are only added; of the versions that are valid at a time the newest holds. Kept for good.
CREATE TABLE IF NOT EXISTS fleet_versions
(
    src_topic LowCardinality(String) COMMENT 'Topic of the block that brought this row' CODEC(ZSTD(1)),
    src_partition UInt16 COMMENT 'Partition of that topic' CODEC(ZSTD(1)),
    src_seq UInt64 COMMENT 'Number of that block in its partition' CODEC(DoubleDelta, ZSTD(1)),
    provider_id LowCardinality(String) COMMENT 'Hosting provider' CODEC(ZSTD(1)),
    entity LowCardinality(String) COMMENT 'Kind of entity: location, worker, assignment and so on' CODEC(ZSTD(1)),
    entity_id String COMMENT 'Id of the entity' CODEC(ZSTD(1)),
    version UInt32 COMMENT 'Number of the version, from 1' CODEC(T64, LZ4),
    valid_from DateTime64(3, 'UTC') COMMENT 'From when on it holds' CODEC(DoubleDelta, ZSTD(1)),
    valid_to Nullable(DateTime64(3, 'UTC')) COMMENT 'Until when; null: until a later version' CODEC(ZSTD(1)),
    known_at DateTime64(3, 'UTC') COMMENT 'Log time of the command that made it' CODEC(DoubleDelta, ZSTD(1)),
    known_offset UInt64 COMMENT 'Offset of that command in fleet.inbox' CODEC(DoubleDelta, ZSTD(1)),
    changed_by String COMMENT 'Credential that asked for it' CODEC(ZSTD(1)),
    body Nullable(String) COMMENT 'Its fields as JSON; null: from then on it is gone' CODEC(ZSTD(3)),
    INDEX by_src_seq src_seq TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(known_at)
ORDER BY (provider_id, entity, entity_id, version)
SETTINGS non_replicated_deduplication_window = 10000;

ALTER TABLE fleet_versions
    MODIFY COMMENT 'Every version of every entity in the inventories of hosting providers, one row each; kept for good';

-- Who asked for which change of an inventory, and what became of it, also of those that were refused; a repeat has no row.
CREATE TABLE IF NOT EXISTS fleet_commands
(
    src_topic LowCardinality(String) COMMENT 'Topic of the block that brought this row' CODEC(ZSTD(1)),
    src_partition UInt16 COMMENT 'Partition of that topic' CODEC(ZSTD(1)),
    src_seq UInt64 COMMENT 'Number of that block in its partition' CODEC(DoubleDelta, ZSTD(1)),
    provider_id LowCardinality(String) COMMENT 'Hosting provider' CODEC(ZSTD(1)),
    command_id UUID COMMENT 'Id of the command' CODEC(NONE),
    caller String COMMENT 'Credential that sent it' CODEC(ZSTD(1)),
    action LowCardinality(String) COMMENT 'create, change, end, enrol' CODEC(ZSTD(1)),
    entity LowCardinality(String) COMMENT 'Kind of entity' CODEC(ZSTD(1)),
    entity_id String COMMENT 'Id of the entity' CODEC(ZSTD(1)),
    code LowCardinality(String) COMMENT 'Why it was refused; empty where it was done' CODEC(ZSTD(1)),
    asked String COMMENT 'Fields that it gave, as JSON; of an enrolment without its token' CODEC(ZSTD(3)),
    result String COMMENT 'What it made, as JSON' CODEC(ZSTD(3)),
    decided_at DateTime64(3, 'UTC') COMMENT 'Log time of the decision' CODEC(DoubleDelta, ZSTD(1)),
    record_offset UInt64 COMMENT 'Offset of the command in fleet.inbox' CODEC(DoubleDelta, ZSTD(1)),
    INDEX by_src_seq src_seq TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(decided_at)
ORDER BY (provider_id, decided_at, record_offset)
SETTINGS non_replicated_deduplication_window = 10000;

ALTER TABLE fleet_commands
    MODIFY COMMENT 'Commands to the inventories of hosting providers, one row each, also of those that were refused; kept for good';
