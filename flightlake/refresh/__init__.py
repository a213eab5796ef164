"""Materialized views: what is said about them, and how they are made and refreshed.

A view is one Iceberg table under the view's own name.  Its definition and state are properties
of that table and change in the same commit as its rows (docs/materialized-views.md).
"""
