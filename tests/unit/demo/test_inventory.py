from flightlake.demo import inventory


def test_the_rows_are_those_of_the_tutorial() -> None:
    tables = inventory.tables()
    assert tables["customers"]["id"].to_pylist() == [1001, 1002, 1003, 1004]
    assert tables["products"]["id"].to_pylist() == list(range(101, 110))
    assert tables["orders"]["order_number"].to_pylist() == [10001, 10002, 10003, 10004]


def test_every_order_is_by_a_customer_and_for_a_product() -> None:
    tables = inventory.tables()
    orders = tables["orders"]
    assert set(orders["purchaser"].to_pylist()) <= set(tables["customers"]["id"].to_pylist())
    assert set(orders["product_id"].to_pylist()) <= set(tables["products"]["id"].to_pylist())
