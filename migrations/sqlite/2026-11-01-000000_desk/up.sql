-- Facts about this database itself, such as whether it holds demonstration data.
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
-- Rises with every change of the household registry.
INSERT INTO meta (key, value) VALUES ('registry_revision', '0');

-- The tree of BHXH offices: the central one, provinces, base offices. province_id is the province-level office at or
-- above this one (itself for a province, NULL for the centre), so that a province's work is one equality in a query.
CREATE TABLE agencies (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    code TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    parent_id BIGINT REFERENCES agencies (id),
    province_id BIGINT REFERENCES agencies (id),
    province_code TEXT,
    valid_from DATE,
    valid_to DATE
);
CREATE INDEX agencies_by_province ON agencies (province_id);

CREATE TABLE staff (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    login TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    agency_id BIGINT NOT NULL REFERENCES agencies (id),
    email TEXT,
    -- Empty for somebody who was imported and has no password yet.
    password_hash TEXT NOT NULL,
    must_change_password BOOLEAN NOT NULL,
    locked_at TIMESTAMP,
    last_sign_in_at TIMESTAMP,
    created_at TIMESTAMP NOT NULL
);

-- Wrong passwords, by the hash of the name or of the address typed from: unknown names are counted like known ones.
CREATE TABLE sign_in_failures (
    key TEXT PRIMARY KEY,
    failures INTEGER NOT NULL,
    last_at TIMESTAMP NOT NULL
);

-- Server-side sessions. Only the hash of the cookie's key is kept: a copy of this table opens no session.
CREATE TABLE sessions (
    key_hash TEXT PRIMARY KEY,
    staff_id BIGINT REFERENCES staff (id),
    state TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    last_seen_at TIMESTAMP NOT NULL
);
CREATE INDEX sessions_by_staff ON sessions (staff_id);

-- Workbooks that admins brought in. The file and what was found in it lie in the data folder under the same id, for some time.
CREATE TABLE imports (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    file_name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    -- NULL when it was started from the command line; then it reaches the whole country.
    staff_id BIGINT REFERENCES staff (id),
    -- Who acted last: the history names them.
    acted_by BIGINT REFERENCES staff (id),
    -- The agency of whoever started it, and its province: whose admins see it.
    agency_id BIGINT REFERENCES agencies (id),
    province_id BIGINT REFERENCES agencies (id),
    -- Only this sheet is read; what a person said the header and the columns are (JSON).
    sheet TEXT,
    layouts TEXT,
    layouts_remembered BOOLEAN NOT NULL,
    -- The encoding that was found, whether its conversion must be confirmed, and whether somebody has.
    encoding TEXT,
    needs_confirmation BOOLEAN NOT NULL,
    confirmed BOOLEAN NOT NULL,
    -- Whether the file and what was found in it are still kept.
    has_files BOOLEAN NOT NULL,
    -- Why the whole file is refused.
    fault TEXT,
    -- The registry's revision with which the file was compared.
    base BIGINT NOT NULL,
    rows_total BIGINT NOT NULL,
    rows_read BIGINT NOT NULL,
    rows_written BIGINT NOT NULL,
    added BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    unchanged BIGINT NOT NULL,
    warned BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    repaired BIGINT NOT NULL,
    -- Applications that waited for their code and were put before their officers; NULL until they were asked for.
    rechecked BIGINT,
    -- Rows that a rollback left as they were, because something later touched them.
    kept BIGINT NOT NULL,
    -- What happened on the way that the admin should know.
    note TEXT,
    stop_asked BOOLEAN NOT NULL,
    lease TEXT,
    lease_until TIMESTAMP,
    created_at TIMESTAMP NOT NULL,
    -- When the state was last reached.
    at TIMESTAMP NOT NULL
);
CREATE INDEX imports_at_work ON imports (id) WHERE state IN ('reading', 'applying', 'settling', 'rolling_back');

-- What a person said about the columns of a list with these headings, for the next list that has them.
CREATE TABLE import_layouts (
    kind TEXT NOT NULL,
    heading TEXT NOT NULL,
    layout TEXT NOT NULL,
    saved_at TIMESTAMP NOT NULL,
    PRIMARY KEY (kind, heading)
);

-- What an import of agencies, staff or applications wrote, row by row: the values before (NULL for a new one) and after.
CREATE TABLE import_rows (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    import_id BIGINT NOT NULL REFERENCES imports (id),
    -- The code or the sign-in name, and the id in the table of the import's kind.
    key TEXT NOT NULL,
    row_id BIGINT NOT NULL,
    before TEXT,
    after TEXT NOT NULL
);
CREATE INDEX import_rows_by_import ON import_rows (import_id, id);
CREATE INDEX import_rows_keys ON import_rows (key);

-- The household registry (hệ thống HGĐ): who holds which mã số BHXH. It changes by changesets: the rows of one count from
-- the moment when it is visible, all at once, and no longer when it is taken back. Of the visible rows with the same code
-- the one of the latest changeset counts.
CREATE TABLE registry_changesets (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    import_id BIGINT REFERENCES imports (id),
    visible BOOLEAN NOT NULL,
    at TIMESTAMP NOT NULL
);
CREATE INDEX registry_changesets_by_import ON registry_changesets (import_id);

CREATE TABLE registry_members (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    changeset_id BIGINT NOT NULL REFERENCES registry_changesets (id),
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    birth_date TEXT,
    sex TEXT,
    id_number TEXT,
    phone TEXT,
    email TEXT,
    address TEXT,
    household_code TEXT,
    relation_code TEXT
);
CREATE INDEX registry_members_by_changeset ON registry_members (changeset_id);
CREATE UNIQUE INDEX registry_members_by_code ON registry_members (code, changeset_id);
CREATE INDEX registry_members_by_id_number ON registry_members (id_number) WHERE id_number IS NOT NULL;
CREATE INDEX registry_members_by_person ON registry_members (name_folded, birth_date);
CREATE INDEX registry_members_by_household ON registry_members (household_code) WHERE household_code IS NOT NULL;

-- The last serial given to a declaration, by agency and year.
CREATE TABLE agency_serials (
    agency_id BIGINT NOT NULL REFERENCES agencies (id),
    year INTEGER NOT NULL,
    last_serial INTEGER NOT NULL,
    PRIMARY KEY (agency_id, year)
);

CREATE TABLE applications (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    agency_id BIGINT NOT NULL REFERENCES agencies (id),
    province_id BIGINT REFERENCES agencies (id),
    number TEXT NOT NULL UNIQUE,
    serial INTEGER NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    channel TEXT NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    name_sort TEXT NOT NULL,
    birth_date TEXT,
    sex TEXT,
    id_number TEXT,
    id_issued_on DATE,
    id_issued_by TEXT,
    phone TEXT NOT NULL,
    email TEXT,
    address TEXT,
    province_code TEXT,
    commune_code TEXT,
    guardian_name TEXT,
    guardian_code TEXT,
    guardian_phone TEXT,
    guardian_email TEXT,
    guardian_relation TEXT,
    submitted_at TIMESTAMP NOT NULL,
    received_at TIMESTAMP,
    due_at TIMESTAMP NOT NULL,
    decided_at TIMESTAMP,
    decided_by BIGINT REFERENCES staff (id),
    reason TEXT,
    entered_by BIGINT REFERENCES staff (id),
    version INTEGER NOT NULL,
    -- Made by the form that entered it: the same form posted twice is one application.
    request_key TEXT UNIQUE
);
-- The lists: an office's or a province's applications, waiting ones first, newest first, by stage, by deadline, by name.
-- Each holds all that a filter asks, so that counting and skipping to a later page touch no row.
CREATE INDEX applications_queue
    ON applications (agency_id, (status <> 'pending'), submitted_at DESC, id DESC, status, kind, due_at, decided_at, decided_by);
CREATE INDEX applications_by_agency
    ON applications (agency_id, submitted_at DESC, id DESC, status, kind, due_at, decided_at, decided_by);
CREATE INDEX applications_by_agency_status
    ON applications (agency_id, status, submitted_at DESC, id DESC, kind, due_at, decided_at);
CREATE INDEX applications_by_province
    ON applications (province_id, submitted_at DESC, id DESC, status, kind, due_at, decided_at, decided_by);
CREATE INDEX applications_by_province_status
    ON applications (province_id, status, submitted_at DESC, id DESC, kind, due_at, decided_at);
CREATE INDEX applications_by_province_agency
    ON applications (province_id, agency_id, submitted_at DESC, id DESC, status, kind, due_at, decided_at);
CREATE INDEX applications_by_time ON applications (submitted_at DESC, id DESC, status, kind, due_at, decided_at);
CREATE INDEX applications_by_status ON applications (status, submitted_at DESC, id DESC, kind, due_at, decided_at);
CREATE INDEX applications_open_by_agency
    ON applications (agency_id, status, due_at, id, kind, submitted_at, decided_at) WHERE decided_at IS NULL;
CREATE INDEX applications_open_by_province
    ON applications (province_id, status, due_at, id, kind, submitted_at, decided_at) WHERE decided_at IS NULL;
CREATE INDEX applications_by_agency_name ON applications (agency_id, name_sort, id);
CREATE INDEX applications_by_province_name ON applications (province_id, name_sort, id);
-- The look-ups of one person.
CREATE INDEX applications_by_serial ON applications (serial, agency_id);
CREATE INDEX applications_by_code ON applications (code);
CREATE INDEX applications_by_phone ON applications (phone);
CREATE INDEX applications_by_id_number ON applications (id_number);

-- Search by name: hashes of the runs of one, two and three folded syllables of each applicant's name. A trigram index is
-- the wrong tool here, because a few syllables are in most names.
CREATE TABLE name_tokens (
    token BIGINT NOT NULL,
    application_id BIGINT NOT NULL REFERENCES applications (id),
    agency_id BIGINT NOT NULL,
    province_id BIGINT,
    PRIMARY KEY (token, application_id)
) WITHOUT ROWID;
CREATE INDEX name_tokens_by_agency ON name_tokens (token, agency_id, application_id);

-- References to the photo store. A replaced photo stays, with current = false.
CREATE TABLE photos (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    application_id BIGINT NOT NULL REFERENCES applications (id),
    kind TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    current BOOLEAN NOT NULL,
    added_at TIMESTAMP NOT NULL,
    added_by BIGINT REFERENCES staff (id)
);
CREATE INDEX photos_by_application ON photos (application_id);
CREATE UNIQUE INDEX photos_one_current ON photos (application_id, kind) WHERE current;

CREATE TABLE accounts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    code TEXT NOT NULL UNIQUE,
    application_id BIGINT NOT NULL REFERENCES applications (id),
    name TEXT NOT NULL,
    id_number TEXT UNIQUE,
    phone TEXT NOT NULL,
    email TEXT,
    state TEXT NOT NULL,
    -- One PHC string a line. Until the citizen chooses a password there is one for each that may have reached them.
    password_hashes TEXT,
    must_change_password BOOLEAN NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX accounts_by_application ON accounts (application_id);
CREATE INDEX accounts_by_phone ON accounts (phone);
CREATE INDEX accounts_by_email ON accounts (email);

-- The outbox. A body holds {mat_khau} where the password goes: it is made at the moment of sending and stored nowhere.
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
    last_error TEXT
);
CREATE INDEX messages_waiting ON messages (next_attempt_at, id) WHERE state IN ('queued', 'sending');
CREATE INDEX messages_by_application ON messages (application_id);
CREATE INDEX messages_dead ON messages (application_id) WHERE state = 'dead';

-- The history: who did what, when, from where, and what it was before and after (JSON). Append-only: only that an
-- application was imported may go, and only together with the application, when an import that nobody acted upon is rolled back.
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    application_id BIGINT REFERENCES applications (id) ON DELETE CASCADE,
    staff_id BIGINT REFERENCES staff (id),
    kind TEXT NOT NULL,
    at TIMESTAMP NOT NULL,
    address TEXT,
    before TEXT,
    after TEXT
);
CREATE INDEX events_by_application ON events (application_id, id);

CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events
    WHEN OLD.kind <> 'imported' OR EXISTS (SELECT 1 FROM applications WHERE id = OLD.application_id)
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
