-- Invitations to install VssID: whom a supervisor invites. The worker walks over the accounts by id and queues a message for each.
CREATE TABLE invitations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    staff_id BIGINT NOT NULL REFERENCES staff (id),
    agency_id BIGINT NOT NULL REFERENCES agencies (id),
    province_id BIGINT,
    -- The filter, as JSON.
    filter TEXT NOT NULL,
    body TEXT NOT NULL,
    -- How many were found when it was confirmed, and how many messages were queued since.
    found BIGINT NOT NULL,
    queued BIGINT NOT NULL DEFAULT 0,
    -- The last account that was looked at.
    after_account BIGINT NOT NULL DEFAULT 0,
    created_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP,
    -- A person stopped it.
    stopped_by BIGINT REFERENCES staff (id)
);
-- One at a time of each who invites.
CREATE UNIQUE INDEX invitations_open ON invitations (staff_id) WHERE ended_at IS NULL;
-- The last one that an account was sent.
ALTER TABLE accounts ADD COLUMN invited_at TIMESTAMP;
-- Whose holder has never signed in.
CREATE INDEX accounts_without_sign_in ON accounts (province_id, agency_id, id, created_at, invited_at)
    WHERE state = 'active' AND last_sign_in_at IS NULL AND must_change_password = TRUE AND guardian_name IS NULL;

-- Messages know where they are on their way, whose they are and whom they concern. A trial message has no application.
DROP INDEX messages_waiting;
DROP INDEX messages_by_application;
DROP INDEX messages_dead;
DROP INDEX messages_by_account;
ALTER TABLE messages RENAME TO messages_before;
CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    idempotency_key TEXT NOT NULL UNIQUE,
    application_id BIGINT REFERENCES applications (id),
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
    otp_id BIGINT REFERENCES otps (id),
    agency_id BIGINT NOT NULL REFERENCES agencies (id),
    province_id BIGINT,
    -- Whose act it tells of; NULL when time or the citizen brought it about.
    staff_id BIGINT REFERENCES staff (id),
    -- 0 urgent, 1 usual, 2 in bulk.
    lane INTEGER NOT NULL,
    -- Which gateway took it, and until when its receipt is awaited; NULL when it gives none.
    gateway TEXT,
    receipt_due_at TIMESTAMP,
    delivered_at TIMESTAMP,
    cause TEXT,
    -- The first of those that this one is sent again as; whether somebody has done something about this one: sent it again,
    -- or otherwise.
    root_id BIGINT REFERENCES messages (id),
    settled BOOLEAN NOT NULL DEFAULT FALSE,
    invitation_id BIGINT REFERENCES invitations (id)
);
INSERT INTO messages (id, idempotency_key, application_id, account_id, otp_id, agency_id, province_id, kind, channel, recipient,
    subject, body, html, state, attempts, lane, next_attempt_at, lease, created_at, sent_at, last_error)
SELECT m.id, m.idempotency_key, m.application_id, m.account_id, m.otp_id, a.agency_id, a.province_id, m.kind, m.channel,
    m.recipient, m.subject, m.body, m.html,
    CASE m.state WHEN 'sent' THEN 'accepted' WHEN 'dead' THEN 'failed' ELSE m.state END, m.attempts,
    CASE m.kind WHEN 'otp' THEN 0 ELSE 1 END, m.next_attempt_at, m.lease, m.created_at, m.sent_at, m.last_error
FROM messages_before m JOIN applications a ON a.id = m.application_id;
DROP TABLE messages_before;
-- What waits, by channel and lane: somebody waits for a one-time password with the telephone in their hand.
CREATE INDEX messages_waiting ON messages (channel, lane, next_attempt_at, id) WHERE state IN ('queued', 'sending', 'unknown');
CREATE INDEX messages_by_application ON messages (application_id, id) WHERE application_id IS NOT NULL;
CREATE INDEX messages_by_account ON messages (account_id, id) WHERE account_id IS NOT NULL;
CREATE INDEX messages_by_root ON messages (root_id) WHERE root_id IS NOT NULL;
CREATE INDEX messages_by_invitation ON messages (invitation_id, state) WHERE invitation_id IS NOT NULL;
CREATE INDEX messages_receipt_due ON messages (receipt_due_at, id) WHERE state = 'accepted' AND receipt_due_at IS NOT NULL;
-- The lists, newest first: of an office, of a province, of the country; of one state or kind, which may be rare.
CREATE INDEX messages_by_agency ON messages (agency_id, created_at, id);
CREATE INDEX messages_by_province ON messages (province_id, created_at, id) WHERE province_id IS NOT NULL;
CREATE INDEX messages_by_time ON messages (created_at, id);
CREATE INDEX messages_by_state ON messages (state, created_at, id);
CREATE INDEX messages_by_kind ON messages (kind, created_at, id);
-- What did not arrive for good and nobody has done anything about.
CREATE INDEX messages_trouble ON messages (agency_id, created_at, id) WHERE state IN ('failed', 'undelivered') AND settled = FALSE;
CREATE INDEX messages_trouble_of_province ON messages (province_id, created_at, id) WHERE state IN ('failed', 'undelivered') AND settled = FALSE;
CREATE INDEX messages_trouble_of_staff ON messages (staff_id, id) WHERE state IN ('failed', 'undelivered') AND settled = FALSE;

-- What happened to a message, step by step. Append-only, as the history is; `cause` says why it went no further.
CREATE TABLE message_steps (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id BIGINT NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    at TIMESTAMP NOT NULL,
    state TEXT NOT NULL,
    -- Which attempt it was; 0 before the first.
    attempt INTEGER NOT NULL,
    gateway TEXT,
    cause TEXT
);
INSERT INTO message_steps (message_id, at, state, attempt) SELECT id, created_at, 'queued', 0 FROM messages ORDER BY id;
INSERT INTO message_steps (message_id, at, state, attempt)
    SELECT id, COALESCE(sent_at, next_attempt_at), state, attempts FROM messages WHERE state NOT IN ('queued', 'sending') ORDER BY id;
CREATE INDEX message_steps_by_message ON message_steps (message_id, id);
-- The health of the queue: how much each gateway takes, and what failed and why.
CREATE INDEX message_steps_accepted ON message_steps (gateway, at, message_id) WHERE state = 'accepted';
CREATE INDEX message_steps_failed ON message_steps (at, id) WHERE cause IS NOT NULL;

-- The words of messages as an administrator changed them: each row is one version of one text, the highest is in force. A text
-- that nobody changed has no row; its words are the program's own.
CREATE TABLE message_texts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    text_key TEXT NOT NULL,
    version INTEGER NOT NULL,
    -- Of a mail only.
    subject TEXT,
    -- NULL is the program's own again.
    body TEXT,
    staff_id BIGINT NOT NULL REFERENCES staff (id),
    created_at TIMESTAMP NOT NULL,
    UNIQUE (text_key, version)
);

