import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.Properties;

/** What clickhouse-jdbc makes of a server, one answer a line: its name, a tab, what the driver gave or how it failed. */
public final class Client {
  private interface Asked {
    Object answer() throws Exception;
  }

  public static void main(String[] arguments) throws Exception {
    String url = "jdbc:clickhouse://" + arguments[0] + "/" + arguments[1];
    Properties properties = new Properties();
    for (int at = 2; at < arguments.length; at++) {
      String[] pair = arguments[at].split("=", 2);
      properties.setProperty(pair[0], pair[1]);
    }
    try (Connection connection = DriverManager.getConnection(url, properties)) {
      rowsThereAndBack(connection);
      failures(connection);
      asToolsLook(connection);
    }
  }

  private static void say(String name, Asked asked) {
    Object value;
    try {
      value = asked.answer();
    } catch (SQLException failure) {
      value = "code " + failure.getErrorCode() + (failure.getErrorCode() == 0 ? " " + failure.getMessage() : "");
    } catch (Exception failure) {
      value = failure;
    }
    System.out.println(name + "\t" + value);
  }

  private static void rowsThereAndBack(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("CREATE TABLE there_and_back (number UInt64, text String, kind LowCardinality(String),"
          + " at DateTime('Europe/Berlin'), fine DateTime64(3, 'UTC'), maybe Nullable(UInt32), list Array(String),"
          + " amount Decimal(18, 4)) ENGINE = MergeTree ORDER BY number");
    }
    say("inserted", () -> {
      String insert = "INSERT INTO there_and_back (number, text, kind, at, fine, maybe) VALUES (?, ?, ?, ?, ?, ?)";
      OffsetDateTime noon = OffsetDateTime.of(2026, 7, 1, 12, 0, 0, 0, ZoneOffset.UTC);
      try (PreparedStatement prepared = connection.prepareStatement(insert)) {
        for (int number = 0; number < 1000; number++) {
          prepared.setLong(1, number);
          prepared.setString(2, "it's row " + number);
          prepared.setString(3, "kind");
          prepared.setObject(4, noon);
          prepared.setObject(5, noon);
          prepared.setObject(6, number % 3 == 0 ? number : null);
          prepared.addBatch();
        }
        return prepared.executeBatch().length;
      }
    });
    say("row", () -> {
      try (PreparedStatement prepared = connection.prepareStatement("SELECT * FROM there_and_back WHERE number = ?")) {
        prepared.setInt(1, 3);
        try (ResultSet rows = prepared.executeQuery()) {
          rows.next();
          return rows.getString("text") + ", " + rows.getString("kind") + ", "
              + rows.getObject("at", ZonedDateTime.class) + ", " + rows.getObject("fine", ZonedDateTime.class).toInstant() + ", "
              + rows.getInt("maybe") + ", " + rows.getBigDecimal("amount");
        }
      }
    });
    say("rows", () -> sumOf(connection, "SELECT number FROM there_and_back"));
    say("many rows", () -> sumOf(connection, "SELECT number FROM numbers(300000)"));
  }

  private static String sumOf(Connection connection, String query) throws SQLException {
    long count = 0;
    long sum = 0;
    try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(query)) {
      while (rows.next()) {
        count++;
        sum += rows.getLong(1);
      }
    }
    return count + " " + sum;
  }

  private static void failures(Connection connection) {
    say("unknown table", () -> sumOf(connection, "SELECT * FROM no_such_table"));
    say("amid the rows", () -> sumOf(connection, "SELECT throwIf(number = 2000000) FROM numbers(4000000)"));
    say("refused", () -> sumOf(connection, "SELECT * FROM file('/etc/passwd')"));
    say("role", () -> {
      try (Statement statement = connection.createStatement()) {
        statement.execute("SET ROLE nobody");
        return "set";
      }
    });
  }

  /** What a tool asks to fill its tree of tables. */
  private static void asToolsLook(Connection connection) throws SQLException {
    DatabaseMetaData metadata = connection.getMetaData();
    say("product", () -> metadata.getDatabaseProductName() + " " + metadata.getDatabaseMajorVersion());
    say("database", () -> connection.getSchema());
    say("tables", () -> {
      try (ResultSet tables = metadata.getTables(null, connection.getSchema(), "%", null)) {
        StringBuilder names = new StringBuilder();
        while (tables.next()) names.append(tables.getString("TABLE_NAME")).append(' ');
        return names.toString().trim();
      }
    });
    say("columns", () -> {
      try (ResultSet columns = metadata.getColumns(null, connection.getSchema(), "there_and_back", "%")) {
        StringBuilder names = new StringBuilder();
        while (columns.next()) names.append(columns.getString("COLUMN_NAME")).append(' ');
        return names.toString().trim();
      }
    });
    say("schemas", () -> {
      try (ResultSet schemas = metadata.getSchemas()) {
        int count = 0;
        while (schemas.next()) count++;
        return count > 0;
      }
    });
  }
}
