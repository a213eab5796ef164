-- comment: what is ordered, a row for each product; weights are in kilograms
-- target_lag: downstream

SELECT id AS product_id,
       name AS product,
       description,
       weight
FROM lake."bronze.inventory".products
