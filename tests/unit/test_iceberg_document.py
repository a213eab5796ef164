"""Every row of ``docs/iceberg.md`` is held by tests that are there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
DOCUMENT = TESTS.parent / "docs" / "iceberg.md"
CORPUS = TESTS / "corpus" / "tables.txt"

LAKE = "unit/lake/test_"
# What a row begins with: tests, as file and function; or tables of the corpus.
HELD_BY: dict[str, tuple[str, ...]] = {
    "Format versions": (
        f"{LAKE}refusals.py::test_a_format_version_that_is_not_known_is_refused",
        f"{LAKE}documents.py::test_what_decides_no_row_does_not_matter",
        "corpus: upgraded_then_deleted bigint_by_bucket bigint_by_truncate",
    ),
    "Metadata files": (
        f"{LAKE}refusals.py::test_compressed_metadata_is_read",
        f"{LAKE}documents.py::test_what_decides_no_row_does_not_matter",
    ),
    "Manifest lists and manifests": (
        f"{LAKE}manifest_decoding.py::test_manifests_of_each_version_and_codec_are_read",
        f"{LAKE}manifest_lists.py::test_a_list_cut_short_anywhere_is_an_error_not_a_shorter_list",
        "property/test_manifests.py::test_a_damaged_manifest_is_an_error_or_has_as_many_entries",
    ),
    "Snapshots of version 1": (
        f"{LAKE}refusals.py::test_a_snapshot_without_a_manifest_list_is_refused",
    ),
    "Parquet data files": ("corpus/test_corpus.py::"
                           "test_a_table_is_read_as_spark_reads_it_or_is_refused",),
    "ORC and Avro data files": (
        f"{LAKE}refusals.py::test_data_files_in_another_format_are_refused_by_name",
        "corpus: in_avro in_orc parquet_and_avro parquet_and_orc",
    ),
    "Encrypted tables": (
        f"{LAKE}refusals.py::test_an_encrypted_table_is_refused",
        f"{LAKE}refusals.py::test_an_encrypted_file_is_refused",
        f"{LAKE}columns.py::test_an_encrypted_footer_is_refused",
    ),
    "A data file that is missing": (
        f"{LAKE}columns.py::test_a_broken_file_is_damaged_data",
        f"{LAKE}columns.py::test_another_number_of_rows_than_the_manifest_says_is_damaged",
    ),
    "Numbers of rows": (
        "unit/engine/test_loss_guard.py::test_other_rows_than_the_manifests_say_fail_the_statement",
    ),
    "A data file listed twice": (
        "unit/engine/test_loss_guard.py::test_a_file_that_is_listed_twice_is_read_twice",
        f"{LAKE}deletes.py::test_a_file_that_is_there_twice_has_no_deletes",
    ),
    "Paths with spaces": (
        "integration/test_stores.py::test_all_odd_names_come_back",
        "integration/test_deletes_on_stores.py::test_deleted_rows_are_gone_and_no_others",
    ),
    "Paths with empty parts": (
        f"{LAKE}stores.py::test_a_key_the_engine_would_read_as_another_is_refused",
        f"{LAKE}stores.py::test_a_local_path_the_engine_would_read_as_another_is_refused",
    ),
    "Vended credentials": (
        f"{LAKE}vending.py::test_they_are_renewed_five_minutes_before_their_end",
        "integration/test_vended_credentials.py::test_the_config_of_a_table_reaches_its_store",
    ),
    "A table in several buckets": (
        "integration/test_stores.py::test_a_file_in_another_bucket_is_refused",
    ),
    "Statistics files": (f"{LAKE}documents.py::test_what_decides_no_row_does_not_matter",),
    "`boolean`": (
        f"{LAKE}arrow_types.py::test_a_type_is_seen_as_documented",
        "corpus: py_int py_uuid py_fixed py_time py_binary py_timestamptz",
    ),
    "`timestamp_ns`": (
        f"{LAKE}arrow_types.py::test_a_type_is_seen_as_documented",
        "corpus: timestamp_ns_of_java_plain timestamptz_ns_of_java_day",
    ),
    "`variant`": (
        f"{LAKE}refusals.py::test_a_type_that_is_not_read_is_refused_by_its_name",
        f"{LAKE}refusals.py::test_a_type_inside_a_nested_column_is_refused_by_its_name",
        f"{LAKE}documents.py::test_a_type_of_the_past_matters_to_whom_asks_for_the_past",
        "corpus: variant",
    ),
    "Columns by field id": (
        "property/test_writer_stories.py::test_every_snapshot_is_read_as_its_writer_reads_it",
        "integration/test_evolution.py::test_columns_that_swapped_their_names_are_told_apart",
        "corpus: columns_by_case columns_by_case_swapped",
    ),
    "Widened types": (
        f"{LAKE}columns.py::test_a_widened_column_is_read",
        f"{LAKE}documents.py::test_a_date_that_became_a_timestamp_is_read",
    ),
    "Members of structs": (
        f"{LAKE}nested_evolution.py::test_members_that_changed_are_read",
        "property/test_reshaping.py::test_values_are_made_anew_as_the_model_makes_them",
        "property/test_writer_stories.py::test_every_snapshot_is_read_as_its_writer_reads_it",
        "corpus: nested_rename nested_in_map_rename nested_everything imported_nested_renamed",
    ),
    "A struct that has lost": (
        f"{LAKE}nested_evolution.py::test_what_cannot_be_cast_is_refused_by_name",
    ),
    "Initial defaults": (
        f"{LAKE}nested_evolution.py::"
        "test_a_column_added_with_a_default_has_it_in_older_files",
        f"{LAKE}nested_evolution.py::test_members_added_with_defaults_have_them_in_older_files",
        f"{LAKE}documents.py::test_defaults_of_nested_columns_are_refused",
        f"{LAKE}documents.py::test_what_decides_no_row_does_not_matter",
    ),
    "Required columns": (
        f"{LAKE}columns.py::test_a_required_column_that_is_missing_is_refused",
        f"{LAKE}arrow_types.py::test_a_type_is_seen_as_documented",
    ),
    "Name mapping": (
        f"{LAKE}columns.py::test_files_without_field_ids_are_refused",
        "corpus: imported_v2 imported_nested imported_then_renamed",
    ),
    "Identifier fields": (f"{LAKE}documents.py::test_what_decides_no_row_does_not_matter",),
    "Row lineage": (
        f"{LAKE}documents.py::test_columns_of_row_lineage_in_files_are_not_shown",
        f"{LAKE}documents.py::test_what_decides_no_row_does_not_matter",
    ),
    "NaN": (f"{LAKE}nans.py::test_nan_is_read_whatever_the_manifest_knows",),
    "INT96": (
        f"{LAKE}old_timestamps.py::test_they_are_read_as_microseconds",
        "corpus: imported_int96",
    ),
    "Partition transforms": (
        "property/test_pruning.py::test_no_file_that_is_left_out_holds_a_matching_row",
        "property/test_pruning.py::test_files_are_left_out_of_every_table_that_can_be_pruned",
    ),
    "Transforms of several columns": (
        f"{LAKE}documents.py::test_files_of_a_partition_field_that_says_nothing_are_read",
    ),
    "Identity partition columns absent": (
        "integration/test_evolution.py::test_a_column_left_to_the_partition_has_its_value",
        "corpus: imported_partitions_v1 imported_partitions_v2",
    ),
    "`fixed` partition values": ("corpus: fixed_of_java_identity",),
    "Column bounds": (
        "property/test_pruning.py::test_comparison_with_each_value_finds_its_rows_in_every_table",
        f"{LAKE}physical.py::test_uuids_have_no_order",
    ),
    "Position deletes": (
        f"{LAKE}deleted_rows.py::test_deletes_of_another_partition_are_not_applied",
        f"{LAKE}deleted_rows.py::test_what_names_one_file_applies_wherever_it_is_filed",
        "property/test_row_deletes.py::test_rows_are_those_the_specification_says",
    ),
    "Deletion vectors": (
        f"{LAKE}deleted_rows.py::test_a_damaged_vector_is_found",
        "property/test_row_deletes.py::test_rows_are_those_the_specification_says",
    ),
    "Equality deletes (v2)": (
        f"{LAKE}deleted_values.py::test_null_deletes_null",
        f"{LAKE}deleted_values.py::test_unpartitioned_deletes_reach_all_partitions",
        f"{LAKE}deleted_values.py::test_a_column_renamed_widened_and_dropped_since_still_deletes",
        f"{LAKE}deleted_values.py::test_zero_is_not_minus_zero",
        "property/test_row_deletes.py::test_rows_are_those_the_specification_says",
    ),
    "Equality deletes by members": (
        f"{LAKE}nested_evolution.py::test_deletes_by_a_member_of_a_struct_are_refused",
    ),
    "Delete files in other formats": (
        f"{LAKE}deleted_rows.py::test_another_format_is_refused_by_its_name",
        "corpus: deletes_in_avro deletes_in_orc",
    ),
    "Snapshots, branches": (
        f"{LAKE}versions.py::test_a_tag_is_read_with_the_schema_of_its_snapshot",
        f"{LAKE}versions.py::test_a_branch_is_read_with_the_current_schema",
        f"{LAKE}versions.py::test_a_moment_means_the_last_snapshot_before_it",
        "corpus: branch_and_tag_v1 branch_and_tag_v2 branch_and_tag_v3 refs_over_schemas",
    ),
    "A branch for the whole session": (
        "unit/engine/test_branches.py::"
        "test_a_table_with_the_branch_is_read_on_it_and_others_on_main",
    ),
    "Metadata tables": (
        f"{LAKE}inspection.py::test_every_metadata_table_can_be_read",
        "unit/engine/test_dotted_metadata.py::test_each_length_of_name_finds_the_metadata_table",
    ),
    "Iceberg views": (
        "integration/test_views.py::test_a_plain_view_runs",
        "integration/test_views.py::test_a_view_of_another_dialect_is_refused_by_its_name",
        "integration/test_views.py::test_time_travel_on_a_view_is_refused",
    ),
}  # fmt: skip


def rows() -> list[str]:
    """Return what stands first in the rows of the document's tables."""
    text = DOCUMENT.read_text().partition("\n## ")[0]
    cells = re.findall(r"^\| (.+?) \| .+ \|$", text, re.MULTILINE)
    return [cell for cell in cells if set(cell) - set("-")]


@cache
def functions(path: str) -> set[str]:
    tree = ast.parse((TESTS / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", rows())
def test_a_row_is_held_by_tests(row: str) -> None:
    (begins,) = [begins for begins in HELD_BY if row.startswith(begins)]
    for test in HELD_BY[begins]:
        path, _, name = test.partition("::")
        if name:
            assert name in functions(path), test
        else:
            known = {line.split("\t")[0] for line in CORPUS.read_text().splitlines()}
            assert known.issuperset(path.removeprefix("corpus: ").split()), test


def test_there_is_a_row_for_all_that_is_held() -> None:
    assert [name for name in HELD_BY if not any(row.startswith(name) for row in rows())] == []
    assert len(rows()) == len(HELD_BY)
