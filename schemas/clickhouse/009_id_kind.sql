-- What the 128 bits of an event id are: those of a UUID or ULID, or the hash of a text. Rows of before are ids as they stand:
-- texts were hashed to UUIDs.
ALTER TABLE usage_events ADD COLUMN IF NOT EXISTS id_kind Enum8('id' = 0, 'text' = 1) DEFAULT 'id' CODEC(ZSTD(1));
ALTER TABLE cost_decisions ADD COLUMN IF NOT EXISTS id_kind Enum8('id' = 0, 'text' = 1) DEFAULT 'id' CODEC(ZSTD(1));
