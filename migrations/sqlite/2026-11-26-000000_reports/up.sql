-- What reports count: each stay of an application in an office's queue, from the event that brought it in to the event that
-- took it out. Whatever was waiting at some moment had entered before and not left yet, so that for each office and period
-- what waited before and what entered is what left and what waits after. Made again from the history at any time.
CREATE TABLE stays (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    application_id BIGINT NOT NULL REFERENCES applications (id) ON DELETE CASCADE,
    agency_id BIGINT NOT NULL REFERENCES agencies (id),
    province_id BIGINT REFERENCES agencies (id),
    channel TEXT NOT NULL,
    -- filed, reopened or moved; when (UTC) and on which day in Hanoi.
    entered_as TEXT NOT NULL,
    entered_at TIMESTAMP NOT NULL,
    entered_day DATE NOT NULL,
    -- Whether the tallies have it already.
    entered_tallied BOOLEAN NOT NULL DEFAULT FALSE,
    -- approved, rejected, expired or moved. All NULL while it waits.
    left_as TEXT,
    left_at TIMESTAMP,
    left_day DATE,
    left_tallied BOOLEAN NOT NULL DEFAULT FALSE,
    -- Of a decision: whose, why not, whether it came after its deadline, and how many hours after the entry.
    staff_id BIGINT REFERENCES staff (id),
    reason TEXT,
    late BOOLEAN,
    hours INTEGER
);
-- An application waits in one queue at most.
CREATE UNIQUE INDEX stays_open ON stays (application_id) WHERE left_day IS NULL;
CREATE INDEX stays_by_application ON stays (application_id, id);
CREATE INDEX stays_entered_by_agency ON stays (agency_id, entered_day, id, entered_as, left_day);
CREATE INDEX stays_entered_by_province ON stays (province_id, entered_day, id, entered_as, left_day);
CREATE INDEX stays_entered ON stays (entered_day, id, entered_as, left_day);
CREATE INDEX stays_left_by_agency ON stays (agency_id, left_day, id, left_as, late, hours) WHERE left_day IS NOT NULL;
CREATE INDEX stays_left_by_province ON stays (province_id, left_day, id, left_as, late, hours) WHERE left_day IS NOT NULL;
CREATE INDEX stays_left ON stays (left_day, id, left_as, late, hours) WHERE left_day IS NOT NULL;
CREATE INDEX stays_rejected ON stays (left_day, province_id, agency_id, reason) WHERE left_as = 'rejected';
CREATE INDEX stays_entered_untallied ON stays (id) WHERE entered_tallied = FALSE;
CREATE INDEX stays_left_untallied ON stays (id) WHERE left_day IS NOT NULL AND left_tallied = FALSE;

-- Sums of the stays, by Hanoi's day and month: of each office (facet all), and of each office by channel and by member of staff
-- (value is the channel's code or the staff's id). What is not tallied yet is added when a report is read.
CREATE TABLE tallies (
    facet TEXT NOT NULL,
    -- day or month; start is its first day.
    level TEXT NOT NULL,
    start DATE NOT NULL,
    agency_id BIGINT NOT NULL,
    value TEXT NOT NULL,
    province_id BIGINT,
    filed BIGINT NOT NULL,
    reopened BIGINT NOT NULL,
    moved_in BIGINT NOT NULL,
    moved_out BIGINT NOT NULL,
    approved BIGINT NOT NULL,
    rejected BIGINT NOT NULL,
    expired BIGINT NOT NULL,
    -- Of the decisions, how many came after their deadline.
    late BIGINT NOT NULL,
    PRIMARY KEY (facet, level, start, agency_id, value)
) WITHOUT ROWID;
CREATE INDEX tallies_by_agency ON tallies (agency_id, facet, level, start);
CREATE INDEX tallies_by_province ON tallies (province_id, facet, level, start);
-- One process tallies at a time: it holds this row.
INSERT INTO meta (key, value) VALUES ('tallies', '');
