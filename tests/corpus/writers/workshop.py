"""Spark with Iceberg, its Java API behind py4j, and pyiceberg: all on one catalog in SQLite."""

import os
import shutil
from pathlib import Path
from typing import Any

from pyiceberg.catalog.sql import SqlCatalog
from pyspark.sql import SparkSession

from tests.corpus.place import CATALOG, DATABASE, NAMESPACE, PLACE, WAREHOUSE
from tests.corpus.writers.recipe import Recipe


class Workshop:
    """Where the tables are made; ``jars`` holds Iceberg's runtime for Spark and SQLite's driver."""

    def __init__(self, jars: Path) -> None:
        PLACE.mkdir(exist_ok=True)
        os.environ["TZ"] = "UTC"
        self.spark = _spark(jars)
        self.spark.sql(f"CREATE NAMESPACE IF NOT EXISTS {CATALOG}.{NAMESPACE}")
        # A database of its own: JdbcCatalog leaves cursors open, which lock others out.
        self.pyiceberg = SqlCatalog(CATALOG, uri="sqlite:///:memory:", warehouse=_WAREHOUSE)
        self.pyiceberg.create_namespace(NAMESPACE)
        self.spark.sql(f"USE {CATALOG}.{NAMESPACE}")

    @property
    def java(self) -> Any:
        """The Java classes by their dotted names."""
        return self.spark._jvm

    def make(self, recipe: Recipe) -> None:
        """Make the table of *recipe*."""
        for step in recipe.steps:
            if isinstance(step, str):
                self.sql(step, recipe.name)
            else:
                step(self, recipe.name)

    def sql(self, statement: str, name: str) -> Any:
        """Run a statement of a recipe."""
        table = f"{CATALOG}.{NAMESPACE}.`{name}`"
        text = statement.replace("{t}", table).replace("{name}", f"{NAMESPACE}.{name}")
        return self.spark.sql(text)

    def table(self, name: str) -> Any:
        """Return the table as Iceberg's Java API has it, fresh from the catalog."""
        spark3 = self.java.org.apache.iceberg.spark.Spark3Util
        full = f"{CATALOG}.{NAMESPACE}.`{name}`"
        table = spark3.loadIcebergTable(self.spark._jsparkSession, full)
        table.refresh()
        return table

    def catalog(self) -> Any:
        """Return the catalog as Iceberg's Java API has it."""
        spark = self.java.org.apache.iceberg.spark
        return spark.Spark3Util.loadIcebergCatalog(self.spark._jsparkSession, CATALOG)

    def refresh(self, name: str) -> None:
        """Tell Spark that somebody else changed the table."""
        self.spark.sql(f"REFRESH TABLE {CATALOG}.{NAMESPACE}.`{name}`")

    def register(self, name: str, metadata: str) -> None:
        """Take a table that somebody else wrote into the catalog."""
        call = f"CALL {CATALOG}.system.register_table('{NAMESPACE}.{name}', '{metadata}')"
        self.spark.sql(call)

    def forget(self, name: str) -> None:
        """Remove the table and its files, if it is there."""
        self.spark.sql(f"DROP TABLE IF EXISTS {CATALOG}.{NAMESPACE}.`{name}`")
        shutil.rmtree(WAREHOUSE / NAMESPACE / name, ignore_errors=True)

    def files(self, name: str) -> Any:
        """Return the writer of single files for the table (``Files.java``)."""
        return self.java.corpus.Files(self.table(name))

    def close(self) -> None:
        """End Spark."""
        self.spark.stop()


_WAREHOUSE = f"file://{WAREHOUSE}"


def _spark(jars: Path) -> SparkSession:
    catalog = f"spark.sql.catalog.{CATALOG}"
    settings = {
        "spark.jars": ",".join(str(jar) for jar in sorted(jars.glob("*.jar"))),
        "spark.sql.extensions": (
            "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"
        ),
        catalog: "org.apache.iceberg.spark.SparkCatalog",
        f"{catalog}.catalog-impl": "org.apache.iceberg.jdbc.JdbcCatalog",
        f"{catalog}.jdbc.schema-version": "V1",
        f"{catalog}.uri": f"jdbc:sqlite:{DATABASE}",
        f"{catalog}.warehouse": _WAREHOUSE,
        f"{catalog}.cache-enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.caseSensitive": "true",
        "spark.sql.shuffle.partitions": "1",
        "spark.default.parallelism": "1",
        "spark.sql.adaptive.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "2g",
        "spark.sql.warehouse.dir": str(PLACE.with_name(f"{PLACE.name}-plain")),
        "spark.driver.extraJavaOptions": "-Duser.timezone=UTC -XX:+UseSerialGC",
    }
    builder = SparkSession.builder.master("local[1]").appName("corpus")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session
