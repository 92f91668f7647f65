-- What was taken out as a file: its id is the number that is printed in it.
CREATE TABLE exports (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    staff_id BIGINT NOT NULL REFERENCES staff (id),
    -- Whose applications its maker saw, as JSON: whoever sees others by now gets the file no more.
    scope TEXT NOT NULL,
    -- The figure whose list it is, or the report that was asked for, as JSON.
    subject TEXT NOT NULL,
    format TEXT NOT NULL,
    -- Whether codes, ID numbers and telephones are shown in full, and why.
    in_full BOOLEAN NOT NULL,
    reason TEXT,
    state TEXT NOT NULL,
    rows_done BIGINT NOT NULL,
    rows_total BIGINT NOT NULL,
    -- Of the worker that writes it; it is the file's name as well, so that nobody writes into another's file.
    lease TEXT,
    lease_until TIMESTAMP,
    -- How many workers began it.
    attempts INTEGER NOT NULL,
    bytes BIGINT NOT NULL,
    -- From where it was asked for.
    address TEXT,
    created_at TIMESTAMP NOT NULL,
    -- When it came to where it stands.
    at TIMESTAMP NOT NULL
);
CREATE INDEX exports_by_staff ON exports (staff_id, id);
CREATE INDEX exports_by_state ON exports (state, id);

-- Reports that go to somebody by e-mail, again and again.
CREATE TABLE subscriptions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    staff_id BIGINT NOT NULL REFERENCES staff (id),
    kind TEXT NOT NULL,
    agency_id BIGINT REFERENCES agencies (id),
    -- weekly or monthly; on which day of the week (1 is Monday) or of the month, and how many minutes after midnight in Hanoi.
    every TEXT NOT NULL,
    on_day INTEGER NOT NULL,
    minute INTEGER NOT NULL,
    -- For when the next one is meant, when it is tried, and how often it was tried.
    due_at TIMESTAMP NOT NULL,
    next_at TIMESTAMP NOT NULL,
    tries INTEGER NOT NULL,
    -- The export that the due one is, from the first try on.
    export_id BIGINT REFERENCES exports (id),
    lease TEXT,
    lease_until TIMESTAMP,
    -- When one left last, and why the latest did not.
    sent_at TIMESTAMP,
    fault TEXT,
    created_at TIMESTAMP NOT NULL,
    stopped_at TIMESTAMP
);
CREATE INDEX subscriptions_by_staff ON subscriptions (staff_id, id);
CREATE INDEX subscriptions_due ON subscriptions (next_at) WHERE stopped_at IS NULL;
