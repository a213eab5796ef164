// Talks JDBC for the tests: connects, does what its second argument says, prints what comes back.

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.Date;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.Comparator;

public class Client {
  private static void rows(String label, ResultSet results, String... columns) throws SQLException {
    ResultSetMetaData meta = results.getMetaData();
    while (results.next()) {
      StringBuilder line = new StringBuilder(label);
      if (columns.length == 0) {
        for (int column = 1; column <= meta.getColumnCount(); column++) {
          line.append('\t').append(results.getObject(column));
        }
      } else {
        for (String column : columns) {
          line.append('\t').append(results.getObject(column));
        }
      }
      System.out.println(line);
    }
    results.close();
  }

  private static void select(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      rows("orders", statement.executeQuery("SELECT * FROM lake.shop.orders ORDER BY id"));
      ResultSet all = statement.executeQuery("SELECT n, noise FROM lake.shop.numbers");
      long count = 0;
      while (all.next()) {
        all.getLong(1);
        all.getString(2);
        count++;
      }
      System.out.println("numbers\t" + count);
      System.out.println("has results\t" + statement.execute("SHOW TABLES"));
      statement.setMaxRows(2);
      rows("first two", statement.executeQuery("SELECT id FROM lake.shop.orders ORDER BY id"));
    }
  }

  private static void types(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      ResultSet results = statement.executeQuery(
          "SELECT 1 AS i, CAST(2 AS BIGINT) AS l, CAST(1.5 AS DOUBLE) AS d, 'x' AS s,"
          + " true AS b, CAST('12.34' AS DECIMAL(10,2)) AS m, DATE '2024-02-29' AS day,"
          + " TIMESTAMP '2024-02-29 12:30:01.25' AS at, X'00ff' AS bytes, NULL AS nothing,"
          + " CAST(7 AS SMALLINT) AS small, CAST(1.25 AS REAL) AS r, TIME '12:30:01' AS t,"
          + " make_array(1, 2) AS list");
      results.next();
      ResultSetMetaData meta = results.getMetaData();
      for (int column = 1; column <= meta.getColumnCount(); column++) {
        Object value = results.getObject(column);
        if (value instanceof byte[]) {
          value = Arrays.toString((byte[]) value);
        }
        System.out.println("type\t" + meta.getColumnLabel(column) + "\t"
            + meta.getColumnTypeName(column) + "\t" + value + "\t" + results.wasNull());
      }
    }
  }

  private static void parameters(Connection connection) throws SQLException {
    String sql = "SELECT id, item FROM lake.shop.orders"
        + " WHERE id > ? AND item <> ? AND price < ? ORDER BY id";
    try (PreparedStatement prepared = connection.prepareStatement(sql)) {
      System.out.println("parameters\t" + prepared.getParameterMetaData().getParameterCount());
      System.out.println("columns\t" + prepared.getMetaData().getColumnCount());
      prepared.setLong(1, 0);
      prepared.setString(2, "cheese");
      prepared.setDouble(3, 3.0);
      rows("first", prepared.executeQuery());
      prepared.setInt(1, 1);
      prepared.setString(2, "ale");
      prepared.setDouble(3, 100.0);
      rows("second", prepared.executeQuery());
    }
    String typed = "SELECT CAST(? AS BIGINT) AS l, CAST(? AS VARCHAR) AS s, CAST(? AS BOOLEAN) AS b,"
        + " CAST(? AS DOUBLE) AS d, CAST(? AS DATE) AS day, CAST(? AS DECIMAL(10,2)) AS m,"
        + " CAST(? AS INT) AS nothing";
    try (PreparedStatement prepared = connection.prepareStatement(typed)) {
      prepared.setLong(1, 42);
      prepared.setString(2, "it's");
      prepared.setBoolean(3, true);
      prepared.setDouble(4, 2.5);
      prepared.setDate(5, Date.valueOf("2024-02-29"));
      prepared.setBigDecimal(6, new BigDecimal("12.34"));
      prepared.setNull(7, java.sql.Types.INTEGER);
      rows("typed", prepared.executeQuery());
    }
  }

  private static void metadata(Connection connection) throws SQLException {
    DatabaseMetaData meta = connection.getMetaData();
    rows("catalog", meta.getCatalogs());
    rows("schema", meta.getSchemas("lake", null), "TABLE_CATALOG", "TABLE_SCHEM");
    rows("table", meta.getTables("lake", "shop", "%", null),
        "TABLE_CAT", "TABLE_SCHEM", "TABLE_NAME", "TABLE_TYPE");
    rows("table only", meta.getTables("lake", "shop", "orders", new String[] {"TABLE"}),
        "TABLE_NAME");
    rows("odd", meta.getTables("lake", "Mixed Case", null, null), "TABLE_NAME");
    rows("column", meta.getColumns("lake", "shop", "orders", "%"),
        "TABLE_NAME", "COLUMN_NAME", "DATA_TYPE", "TYPE_NAME", "ORDINAL_POSITION", "IS_NULLABLE");
    rows("table type", meta.getTableTypes());
    rows("type info", meta.getTypeInfo(), "TYPE_NAME", "DATA_TYPE");
    rows("primary key", meta.getPrimaryKeys("lake", "shop", "orders"));
    rows("imported key", meta.getImportedKeys("lake", "shop", "orders"));
    rows("exported key", meta.getExportedKeys("lake", "shop", "orders"));
    rows("cross", meta.getCrossReference("lake", "shop", "orders", "lake", "shop", "empty"));
  }

  private static void walk(Connection connection) throws Exception {
    DatabaseMetaData meta = connection.getMetaData();
    Method[] methods = DatabaseMetaData.class.getMethods();
    Arrays.sort(methods, Comparator.comparing(Method::getName));
    for (Method method : methods) {
      if (method.getParameterCount() > 0) {
        continue;
      }
      String said;
      try {
        Object value = method.invoke(meta);
        if (value instanceof ResultSet) {
          ((ResultSet) value).close();
          value = "rows";
        }
        said = String.valueOf(value);
      } catch (InvocationTargetException failure) {
        Throwable cause = failure.getCause();
        boolean honest = cause instanceof SQLFeatureNotSupportedException
            || cause instanceof UnsupportedOperationException;
        said = (honest ? "unsupported " : "FAILED ") + cause;
      }
      System.out.println("getter\t" + method.getName() + "\t" + said.replace('\n', ' '));
    }
  }

  private static void session(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      rows("there", statement.executeQuery("SELECT count(*) FROM shop.orders"));
      rows("not there", statement.executeQuery("SELECT count(*) FROM shop.numbers"));
    } catch (SQLException expected) {
      System.out.println("refused\t" + expected.getMessage().replace('\n', ' '));
    }
  }

  private static void errors(Connection connection) throws SQLException {
    String[] statements = {
      "SELECT * FROM lake.shop.ordrs", "SELEKT 1", "DROP TABLE lake.shop.orders"
    };
    for (String sql : statements) {
      try (Statement statement = connection.createStatement()) {
        statement.execute(sql);
        System.out.println("error\tnone");
      } catch (SQLException expected) {
        System.out.println("error\t" + expected.getMessage().replace('\n', ' '));
      }
    }
    try (Statement statement = connection.createStatement()) {
      rows("still there", statement.executeQuery("SELECT 1"));
    }
  }

  public static void main(String[] arguments) throws Exception {
    Connection connection = DriverManager.getConnection(arguments[0]);
    for (String what : arguments[1].split(",")) {
      switch (what) {
        case "select": select(connection); break;
        case "types": types(connection); break;
        case "parameters": parameters(connection); break;
        case "metadata": metadata(connection); break;
        case "walk": walk(connection); break;
        case "errors": errors(connection); break;
        case "session": session(connection); break;
        default: throw new IllegalArgumentException(what);
      }
    }
    try {
      connection.close();
    } catch (SQLException failure) {
      // Driver 18.3 closes its channel before the session of a connection with a catalog.
      System.out.println("close\t" + failure.getMessage());
    }
  }
}
