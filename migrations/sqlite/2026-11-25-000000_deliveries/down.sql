DROP TABLE message_texts;
DROP TABLE message_steps;
-- A message without an application has no place in the table as it was.
DELETE FROM messages WHERE application_id IS NULL;
ALTER TABLE messages RENAME TO messages_after;
CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    idempotency_key TEXT NOT NULL UNIQUE,
    application_id BIGINT NOT NULL REFERENCES applications (id),
    account_id BIGINT REFERENCES accounts (id),
    kind TEXT NOT NULL,
    channel TEXT NOT NULL,
    recipient TEXT NOT NULL,
    subject TEXT,
    body TEXT NOT NULL,
    html TEXT,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt_at TIMESTAMP NOT NULL,
    lease TEXT,
    created_at TIMESTAMP NOT NULL,
    sent_at TIMESTAMP,
    last_error TEXT,
    otp_id BIGINT REFERENCES otps (id)
);
INSERT INTO messages (id, idempotency_key, application_id, account_id, kind, channel, recipient, subject, body, html, state, attempts,
    next_attempt_at, lease, created_at, sent_at, last_error, otp_id)
SELECT id, idempotency_key, application_id, account_id, kind, channel, recipient, subject, body, html,
    CASE state WHEN 'accepted' THEN 'sent' WHEN 'delivered' THEN 'sent' WHEN 'expired' THEN 'sent' WHEN 'unknown' THEN 'queued'
        WHEN 'failed' THEN 'dead' WHEN 'undelivered' THEN 'dead' ELSE state END,
    attempts, next_attempt_at, lease, created_at, sent_at, last_error, otp_id
FROM messages_after;
DROP TABLE messages_after;
DROP INDEX accounts_without_sign_in;
ALTER TABLE accounts DROP COLUMN invited_at;
DROP TABLE invitations;
CREATE INDEX messages_waiting ON messages (next_attempt_at, id) WHERE state IN ('queued', 'sending');
CREATE INDEX messages_by_application ON messages (application_id);
CREATE INDEX messages_dead ON messages (application_id) WHERE state = 'dead';
CREATE INDEX messages_by_account ON messages (account_id, id) WHERE account_id IS NOT NULL;
