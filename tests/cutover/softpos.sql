CREATE DATABASE softpos CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
USE softpos;
CREATE TABLE terminals (
    id INT PRIMARY KEY AUTO_INCREMENT,
    serial VARCHAR(40) NOT NULL UNIQUE,
    model ENUM('A', 'B') NOT NULL
);
CREATE TABLE payments (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    reference VARCHAR(40) NOT NULL,
    terminal_id INT NOT NULL,
    amount DECIMAL(12, 2) NOT NULL,
    currency CHAR(3) NOT NULL,
    state VARCHAR(20) NOT NULL,
    created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
    note TEXT NULL,
    KEY by_state (state, created_at),
    UNIQUE KEY by_reference (reference),
    CONSTRAINT of_terminal FOREIGN KEY (terminal_id) REFERENCES terminals (id)
);
CREATE TABLE settlements (
    day DATE NOT NULL,
    terminal_id INT NOT NULL,
    total DECIMAL(14, 2) NOT NULL,
    proof VARBINARY(32),
    PRIMARY KEY (day, terminal_id)
);
CREATE TABLE audit (
    id BIGINT PRIMARY KEY AUTO_INCREMENT,
    payment_id BIGINT NOT NULL,
    what VARCHAR(20) NOT NULL
);
CREATE DEFINER = 'owner'@'%' TRIGGER payments_audited AFTER INSERT ON payments
    FOR EACH ROW INSERT INTO audit (payment_id, what) VALUES (NEW.id, NEW.state);
CREATE DEFINER = 'owner'@'%' VIEW open_payments AS SELECT id, amount FROM payments WHERE state = 'AUTHORISED';
CREATE DEFINER = 'owner'@'%' PROCEDURE total_of(IN wanted INT)
    SELECT SUM(amount) FROM payments WHERE terminal_id = wanted;
CREATE DEFINER = 'owner'@'%' EVENT nightly_purge ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01' ENABLE
    DO DELETE FROM audit WHERE id < 0;
INSERT INTO terminals (serial, model) VALUES
    ('T0001', 'A'), ('T0002', 'A'), ('T0003', 'A'), ('T0004', 'A'), ('T0005', 'A'), ('T0006', 'A'), ('T0007', 'A'),
    ('T0008', 'A'), ('T0009', 'A'), ('T0010', 'A'), ('T0011', 'B'), ('T0012', 'B'), ('T0013', 'B'), ('T0014', 'B'),
    ('T0015', 'B'), ('T0016', 'B'), ('T0017', 'B'), ('T0018', 'B'), ('T0019', 'B'), ('T0020', 'B');
INSERT INTO payments (reference, terminal_id, amount, currency, state, note)
    SELECT CONCAT('OLD', a.id * 20 + b.id), a.id, a.id * b.id / 7, 'EUR', 'CAPTURED',
        IF(b.id % 3, NULL, REPEAT('n', b.id))
    FROM terminals a, terminals b;
INSERT INTO settlements
    SELECT DATE_ADD('2026-11-01', INTERVAL id DAY), id, id * 10, UNHEX(SHA2(id, 256)) FROM terminals;
