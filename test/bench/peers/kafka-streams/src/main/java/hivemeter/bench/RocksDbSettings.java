package hivemeter.bench;

import java.util.Map;
import org.apache.kafka.streams.state.RocksDBConfigSetter;
import org.rocksdb.Options;

/** RocksDB for ids that are nearly all new: most look-ups end at a filter, those of the memory table included. */
public final class RocksDbSettings implements RocksDBConfigSetter {
  private static final long MEMORY_TABLE_BYTES = 64L * 1_048_576;
  private static final double FILTER_SHARE = 0.1;

  @Override
  public void setConfig(String store, Options options, Map<String, Object> configs) {
    options.setWriteBufferSize(MEMORY_TABLE_BYTES);
    options.setMemtablePrefixBloomSizeRatio(FILTER_SHARE);
    options.setMemtableWholeKeyFiltering(true);
  }

  @Override
  public void close(String store, Options options) {}
}
