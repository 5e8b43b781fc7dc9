-- The application's tables. Its account needs SELECT, INSERT, UPDATE and DELETE on them and nothing else.
CREATE TABLE terminals (
    id INT PRIMARY KEY AUTO_INCREMENT,
    serial VARCHAR(40) NOT NULL UNIQUE,
    activation_salt BINARY(16) NOT NULL,
    activation_hash BINARY(32) NOT NULL
);
CREATE TABLE settlements (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    reference CHAR(32) NOT NULL UNIQUE,
    terminal_id INT NOT NULL,
    currency CHAR(3) NOT NULL,
    payments INT NOT NULL,
    captured BIGINT NOT NULL,
    refunded BIGINT NOT NULL,
    created_at DATETIME(6) NOT NULL,
    KEY by_terminal (terminal_id, created_at),
    CONSTRAINT settlement_of_terminal FOREIGN KEY (terminal_id) REFERENCES terminals (id)
);
-- Amounts are in minor units. `card` is truncated; no other form of a card number is kept anywhere.
CREATE TABLE payments (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    reference CHAR(32) NOT NULL UNIQUE,
    terminal_id INT NOT NULL,
    amount BIGINT NOT NULL,
    currency CHAR(3) NOT NULL,
    card VARCHAR(19) NOT NULL,
    network VARCHAR(12) NOT NULL,
    acquirer_reference CHAR(24) NOT NULL,
    acquirer_code CHAR(2) NOT NULL,
    state VARCHAR(12) NOT NULL,
    captured BIGINT NOT NULL DEFAULT 0,
    refunded BIGINT NOT NULL DEFAULT 0,
    settlement_id BIGINT NULL,
    created_at DATETIME(6) NOT NULL,
    KEY to_settle (terminal_id, settlement_id, state),
    CONSTRAINT payment_of_terminal FOREIGN KEY (terminal_id) REFERENCES terminals (id),
    CONSTRAINT payment_in_settlement FOREIGN KEY (settlement_id) REFERENCES settlements (id)
);
-- One row for each idempotency key: written in the transaction of what it asked for, with the answer.
CREATE TABLE requests (
    terminal_id INT NOT NULL,
    idempotency_key VARCHAR(64) NOT NULL,
    fingerprint BINARY(32) NOT NULL,
    answer TEXT NULL,
    created_at DATETIME(6) NOT NULL,
    PRIMARY KEY (terminal_id, idempotency_key)
);
-- The health check writes here: an instance that cannot is not ready.
CREATE TABLE heartbeats (
    instance VARCHAR(64) PRIMARY KEY,
    beaten_at DATETIME(6) NOT NULL
);
