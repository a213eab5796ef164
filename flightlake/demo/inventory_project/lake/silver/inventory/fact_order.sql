-- comment: the orders, a row for each
-- target_lag: downstream
-- partitioned_by: month(order_date)

SELECT order_number,
       order_date,
       purchaser AS customer_id,
       product_id,
       quantity
FROM lake."bronze.inventory".orders
