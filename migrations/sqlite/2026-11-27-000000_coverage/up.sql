-- Whose people a list of the household registry is of; NULL: the centre's.
ALTER TABLE imports ADD COLUMN of_agency_id BIGINT;
ALTER TABLE registry_changesets ADD COLUMN agency_id BIGINT;
UPDATE registry_changesets
    SET agency_id = (SELECT agency_id FROM imports WHERE imports.id = registry_changesets.import_id);

-- How many people of the registry each agency had, as counted on a day after the registry had changed. All agencies are counted on
-- the same days, those that have nobody left with 0.
CREATE TABLE registry_counts (
    day DATE NOT NULL,
    agency_id BIGINT NOT NULL REFERENCES agencies (id),
    people BIGINT NOT NULL,
    PRIMARY KEY (day, agency_id)
) WITHOUT ROWID;
-- The revision of the registry that was counted last.
INSERT INTO meta (key, value) VALUES ('registry_counted', '-1');

-- Accounts that an agency gains (1) and loses (-1), by Hanoi's day: opened, opened anew, closed, moved with their application. What an
-- agency had at the end of a day is the sum until then, whatever happens later.
CREATE TABLE account_changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    agency_id BIGINT NOT NULL REFERENCES agencies (id),
    province_id BIGINT REFERENCES agencies (id),
    day DATE NOT NULL,
    change BIGINT NOT NULL,
    -- Whether the tallies have it already.
    tallied BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX account_changes_by_account ON account_changes (account_id, id);
CREATE INDEX account_changes_untallied ON account_changes (id) WHERE tallied = FALSE;

-- Sums of the changes by Hanoi's day and month.
CREATE TABLE account_tallies (
    -- day or month; start is its first day.
    level TEXT NOT NULL,
    start DATE NOT NULL,
    agency_id BIGINT NOT NULL,
    province_id BIGINT,
    change BIGINT NOT NULL,
    PRIMARY KEY (level, start, agency_id)
) WITHOUT ROWID;
CREATE INDEX account_tallies_by_agency ON account_tallies (agency_id, level, start, change);
CREATE INDEX account_tallies_by_province ON account_tallies (province_id, level, start, agency_id, change);
-- One process tallies at a time: it holds this row.
INSERT INTO meta (key, value) VALUES ('account_tallies', '');

-- How many accounts an agency shall have at the end of a day. Whoever changes some holds the row in meta.
CREATE TABLE targets (
    agency_id BIGINT NOT NULL REFERENCES agencies (id),
    until DATE NOT NULL,
    accounts BIGINT NOT NULL,
    set_by BIGINT NOT NULL REFERENCES staff (id),
    set_at TIMESTAMP NOT NULL,
    PRIMARY KEY (agency_id, until)
) WITHOUT ROWID;
INSERT INTO meta (key, value) VALUES ('targets', '');

-- What waits in each office, and until when. With decided_at, so that SQLite need not look at the rows.
CREATE INDEX applications_waiting ON applications (province_id, agency_id, due_at, decided_at) WHERE decided_at IS NULL;
