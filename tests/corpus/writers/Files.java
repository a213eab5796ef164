package corpus;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DeleteFile;
import org.apache.iceberg.FileFormat;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.PartitionKey;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.StructLike;
import org.apache.iceberg.Table;
import org.apache.iceberg.data.GenericAppenderFactory;
import org.apache.iceberg.data.GenericRecord;
import org.apache.iceberg.data.InternalRecordWrapper;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.deletes.BaseDVFileWriter;
import org.apache.iceberg.deletes.EqualityDeleteWriter;
import org.apache.iceberg.deletes.PositionDelete;
import org.apache.iceberg.deletes.PositionDeleteWriter;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.DataWriter;
import org.apache.iceberg.io.OutputFileFactory;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types;
import org.apache.iceberg.util.DateTimeUtil;

/**
 * Writes single files of a table with Iceberg's own writers; the caller commits them. Values come
 * as text, null for NULL, and are taken for the type of their column.
 */
public class Files {
  private static int written = 0;
  private final Table table;

  public Files(Table table) {
    this.table = table;
  }

  /** Writes rows of all columns, one file for each partition they are in. */
  public List<DataFile> data(List<List<String>> rows, String format, int specId)
      throws IOException {
    Schema schema = table.schema();
    PartitionSpec spec = table.specs().get(specId);
    InternalRecordWrapper wrapper = new InternalRecordWrapper(schema.asStruct());
    Map<PartitionKey, List<Record>> parts = new LinkedHashMap<>();
    for (List<String> row : rows) {
      Record record = record(schema, row);
      PartitionKey key = new PartitionKey(spec, schema);
      key.partition(wrapper.wrap(withNanos(record)));
      parts.computeIfAbsent(key.copy(), any -> new ArrayList<>()).add(record);
    }
    GenericAppenderFactory writers = new GenericAppenderFactory(schema, spec);
    List<DataFile> files = new ArrayList<>();
    FileFormat as = FileFormat.fromString(format);
    for (Map.Entry<PartitionKey, List<Record>> part : parts.entrySet()) {
      DataWriter<Record> writer =
          writers.newDataWriter(
              names(as).newOutputFile(spec, part.getKey()), as, part.getKey());
      try (writer) {
        part.getValue().forEach(writer::write);
      }
      files.add(writer.toDataFile());
    }
    return files;
  }

  /** Writes a file without rows, for a table without partitions. */
  public List<DataFile> empty(String format) throws IOException {
    FileFormat as = FileFormat.fromString(format);
    DataWriter<Record> writer =
        new GenericAppenderFactory(table.schema(), table.spec())
            .newDataWriter(names(as).newOutputFile(), as, null);
    writer.close();
    return List.of(writer.toDataFile());
  }

  /** Writes one equality delete file; rows hold the named columns, in their order. */
  public DeleteFile equality(
      List<String> columns, List<List<String>> rows, List<String> partition, int specId)
      throws IOException {
    PartitionSpec spec = table.specs().get(specId);
    List<Types.NestedField> ordered = new ArrayList<>();
    columns.forEach(column -> ordered.add(table.schema().findField(column)));
    Schema named = new Schema(ordered);
    int[] ids = ordered.stream().mapToInt(Types.NestedField::fieldId).toArray();
    GenericAppenderFactory writers =
        new GenericAppenderFactory(table.schema(), spec, ids, named, null);
    StructLike key = partition(spec, partition);
    EqualityDeleteWriter<Record> writer =
        writers.newEqDeleteWriter(
            names(FileFormat.PARQUET).newOutputFile(spec, key), FileFormat.PARQUET, key);
    try (writer) {
      rows.forEach(row -> writer.write(record(named, row)));
    }
    return writer.toDeleteFile();
  }

  /** Writes one position delete file that names the same positions in several data files. */
  public DeleteFile positions(List<DataFile> files, List<Integer> positions) throws IOException {
    PartitionSpec spec = table.specs().get(files.get(0).specId());
    StructLike key = spec.isUnpartitioned() ? null : files.get(0).partition();
    PositionDeleteWriter<Record> writer =
        new GenericAppenderFactory(table.schema(), spec)
            .newPosDeleteWriter(
                names(FileFormat.PARQUET).newOutputFile(spec, key), FileFormat.PARQUET, key);
    try (writer) {
      List<DataFile> sorted = new ArrayList<>(files);
      sorted.sort((one, other) -> one.location().compareTo(other.location()));
      for (DataFile file : sorted) {
        for (int position : positions) {
          PositionDelete<Record> delete = PositionDelete.create();
          writer.write(delete.set(file.location(), position, null));
        }
      }
    }
    return writer.toDeleteFile();
  }

  /** Writes deletion vectors, one Puffin file for all of the data files. */
  public List<DeleteFile> vectors(List<DataFile> files, List<Integer> positions)
      throws IOException {
    BaseDVFileWriter writer = new BaseDVFileWriter(names(FileFormat.PUFFIN), path -> null);
    try (writer) {
      for (DataFile file : files) {
        PartitionSpec spec = table.specs().get(file.specId());
        for (int position : positions) {
          writer.delete(file.location(), position, spec, file.partition());
        }
      }
    }
    return writer.result().deleteFiles();
  }

  /** The live data files, in the order of their paths. */
  public List<DataFile> live() throws IOException {
    List<DataFile> found = new ArrayList<>();
    try (CloseableIterable<FileScanTask> tasks = table.newScan().planFiles()) {
      tasks.forEach(task -> found.add(task.file().copy()));
    }
    found.sort((one, other) -> one.location().compareTo(other.location()));
    return found;
  }

  private OutputFileFactory names(FileFormat format) {
    written += 1;
    return OutputFileFactory.builderFor(table, written, 1).format(format).build();
  }

  private static StructLike partition(PartitionSpec spec, List<String> values) {
    if (spec.isUnpartitioned()) {
      return null;
    }
    Types.StructType type = spec.partitionType();
    GenericRecord key = GenericRecord.create(type);
    for (int at = 0; at < values.size(); at++) {
      Type kind = type.fields().get(at).type();
      Object value = value(kind, values.get(at));
      key.set(at, kind.typeId() == Type.TypeID.DATE && value != null
          ? (Object) (int) ((LocalDate) value).toEpochDay() : value);
    }
    return key;
  }

  private static Record record(Schema schema, List<String> values) {
    GenericRecord record = GenericRecord.create(schema);
    for (int at = 0; at < values.size(); at++) {
      record.set(at, value(schema.columns().get(at).type(), values.get(at)));
    }
    return record;
  }

  /** The wrapper does not know timestamps in nanoseconds, so they become numbers before. */
  private static Record withNanos(Record record) {
    Record copy = record.copy();
    for (int at = 0; at < copy.size(); at++) {
      Object value = copy.get(at);
      if (value != null && copy.struct().fields().get(at).type().typeId() == Type.TypeID.TIMESTAMP_NANO) {
        copy.set(
            at,
            value instanceof LocalDateTime local
                ? (Object) DateTimeUtil.nanosFromTimestamp(local)
                : DateTimeUtil.nanosFromTimestamptz((OffsetDateTime) value));
      }
    }
    return copy;
  }

  private static Object value(Type type, String text) {
    if (text == null) {
      return null;
    }
    return switch (type.typeId()) {
      case BOOLEAN -> Boolean.valueOf(text);
      case INTEGER -> Integer.valueOf(text);
      case LONG -> Long.valueOf(text);
      case FLOAT -> Float.valueOf(text);
      case DOUBLE -> Double.valueOf(text);
      case DECIMAL -> new BigDecimal(text).setScale(((Types.DecimalType) type).scale());
      case DATE -> LocalDate.parse(text);
      case TIME -> LocalTime.parse(text);
      case TIMESTAMP -> ((Types.TimestampType) type).shouldAdjustToUTC()
          ? LocalDateTime.parse(text).atOffset(ZoneOffset.UTC)
          : LocalDateTime.parse(text);
      case TIMESTAMP_NANO -> ((Types.TimestampNanoType) type).shouldAdjustToUTC()
          ? LocalDateTime.parse(text).atOffset(ZoneOffset.UTC)
          : LocalDateTime.parse(text);
      case STRING -> text;
      case UUID -> UUID.fromString(text);
      case FIXED -> HexFormat.of().parseHex(text);
      case BINARY -> ByteBuffer.wrap(HexFormat.of().parseHex(text));
      default -> throw new IllegalArgumentException("no values of type " + type);
    };
  }
}
