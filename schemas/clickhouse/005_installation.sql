-- Whose tables these are: Kafka names the same id, so that two stores that do not belong together are recognised.
CREATE TABLE IF NOT EXISTS installation
(
    installation_id UUID,
    made_at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY installation_id;
