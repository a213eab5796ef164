-- comment: how much was ordered in each month, and what it weighs
-- target_lag: 5 seconds

SELECT CAST(date_trunc('month', order_date) AS DATE) AS month,
       count(*) AS orders,
       count(DISTINCT customer_id) AS customers,
       sum(quantity) AS items,
       round(sum(quantity * weight), 2) AS weight
FROM lake."silver.inventory".fact_order
JOIN lake."silver.inventory".dim_product USING (product_id)
JOIN lake."silver.inventory".dim_customer USING (customer_id)
GROUP BY date_trunc('month', order_date)
