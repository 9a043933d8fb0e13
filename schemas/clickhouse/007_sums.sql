-- Sums that no node can bring to overflow. The columns of 64 bits before them hold at most what they can: whoever adds up
-- reads these.
ALTER TABLE cost_decisions ADD COLUMN IF NOT EXISTS day_spent_before_nano_usd Int128 DEFAULT toInt128(day_spent_nano_usd) CODEC(ZSTD(1));
ALTER TABLE settlements ADD COLUMN IF NOT EXISTS paid_micro_spark Int128 DEFAULT toInt128(micro_spark) CODEC(ZSTD(1));
ALTER TABLE wallet_ledger ADD COLUMN IF NOT EXISTS amount_micro_spark Int128 DEFAULT toInt128(micro_spark) CODEC(ZSTD(1));
