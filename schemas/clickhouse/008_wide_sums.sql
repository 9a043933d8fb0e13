-- The windows' sums in 128 bits. 35 days of one window at a million events a second, each at its bound, pass 2^64, and the
-- columns before them begin again at 0 then, without a word. A block brings the sums of one batch, which 64 bits hold: they
-- are widened where they are inserted, and of a part from before where it is read or merged, row by row and before anything is
-- added, so that parts add up whatever their age. Whoever adds up reads these.
ALTER TABLE usage_1m ADD COLUMN IF NOT EXISTS wide_tokens_in SimpleAggregateFunction(sum, Int128) DEFAULT toInt128(tokens_in) CODEC(ZSTD(1));
ALTER TABLE usage_1m ADD COLUMN IF NOT EXISTS wide_tokens_out SimpleAggregateFunction(sum, Int128) DEFAULT toInt128(tokens_out) CODEC(ZSTD(1));
ALTER TABLE usage_1m ADD COLUMN IF NOT EXISTS wide_duration_ms SimpleAggregateFunction(sum, Int128) DEFAULT toInt128(duration_ms) CODEC(ZSTD(1));
ALTER TABLE usage_1m ADD COLUMN IF NOT EXISTS wide_gpu_ms_measured SimpleAggregateFunction(sum, Int128) DEFAULT toInt128(gpu_ms_measured) CODEC(ZSTD(1));
ALTER TABLE usage_1m ADD COLUMN IF NOT EXISTS wide_gpu_ms_estimated SimpleAggregateFunction(sum, Int128) DEFAULT toInt128(gpu_ms_estimated) CODEC(ZSTD(1));
ALTER TABLE usage_1m ADD COLUMN IF NOT EXISTS wide_energy_mwh_measured SimpleAggregateFunction(sum, Int128) DEFAULT toInt128(energy_mwh_measured) CODEC(ZSTD(1));
ALTER TABLE usage_1m ADD COLUMN IF NOT EXISTS wide_energy_mwh_estimated SimpleAggregateFunction(sum, Int128) DEFAULT toInt128(energy_mwh_estimated) CODEC(ZSTD(1));
ALTER TABLE usage_1m ADD COLUMN IF NOT EXISTS wide_energy_mwh_compatible SimpleAggregateFunction(sum, Int128) DEFAULT toInt128(energy_mwh_compatible) CODEC(ZSTD(1));

ALTER TABLE usage_15m ADD COLUMN IF NOT EXISTS wide_tokens_in SimpleAggregateFunction(sum, Int128) DEFAULT toInt128(tokens_in) CODEC(ZSTD(1));
ALTER TABLE usage_15m ADD COLUMN IF NOT EXISTS wide_tokens_out SimpleAggregateFunction(sum, Int128) DEFAULT toInt128(tokens_out) CODEC(ZSTD(1));
ALTER TABLE usage_15m ADD COLUMN IF NOT EXISTS wide_duration_ms SimpleAggregateFunction(sum, Int128) DEFAULT toInt128(duration_ms) CODEC(ZSTD(1));
ALTER TABLE usage_15m ADD COLUMN IF NOT EXISTS wide_gpu_ms_measured SimpleAggregateFunction(sum, Int128) DEFAULT toInt128(gpu_ms_measured) CODEC(ZSTD(1));
ALTER TABLE usage_15m ADD COLUMN IF NOT EXISTS wide_gpu_ms_estimated SimpleAggregateFunction(sum, Int128) DEFAULT toInt128(gpu_ms_estimated) CODEC(ZSTD(1));
ALTER TABLE usage_15m ADD COLUMN IF NOT EXISTS wide_energy_mwh_measured SimpleAggregateFunction(sum, Int128) DEFAULT toInt128(energy_mwh_measured) CODEC(ZSTD(1));
ALTER TABLE usage_15m ADD COLUMN IF NOT EXISTS wide_energy_mwh_estimated SimpleAggregateFunction(sum, Int128) DEFAULT toInt128(energy_mwh_estimated) CODEC(ZSTD(1));
ALTER TABLE usage_15m ADD COLUMN IF NOT EXISTS wide_energy_mwh_compatible SimpleAggregateFunction(sum, Int128) DEFAULT toInt128(energy_mwh_compatible) CODEC(ZSTD(1));
