DROP TABLE subscriptions;
DROP TABLE exports;
