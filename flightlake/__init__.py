"""flightlake: an Arrow Flight SQL server for Iceberg lakehouses."""

__version__ = "0.1.0"
