-- comment: who orders, a row for each customer
-- target_lag: downstream

SELECT id AS customer_id,
       first_name || ' ' || last_name AS customer,
       email
FROM lake."bronze.inventory".customers
