-- What messages add up to, by Hanoi's day and month, of each office and channel: sums of what their steps add
-- (domain/report/messages). What is not tallied yet is added when a report is read.
CREATE TABLE message_tallies (
    -- day or month; start is its first day.
    level TEXT NOT NULL,
    start DATE NOT NULL,
    agency_id BIGINT NOT NULL,
    channel TEXT NOT NULL,
    province_id BIGINT,
    made BIGINT NOT NULL,
    sent BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    dropped BIGINT NOT NULL,
    delivered BIGINT NOT NULL,
    undelivered BIGINT NOT NULL,
    no_receipt BIGINT NOT NULL,
    pending BIGINT NOT NULL,
    PRIMARY KEY (level, start, agency_id, channel)
) WITHOUT ROWID;
CREATE INDEX message_tallies_by_agency ON message_tallies (agency_id, level, start);
CREATE INDEX message_tallies_by_province ON message_tallies (province_id, level, start);
ALTER TABLE message_steps ADD COLUMN tallied BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX message_steps_untallied ON message_steps (id) WHERE tallied = FALSE;
-- The office that made a message whose application has moved on since; NULL while it is agency_id.
ALTER TABLE messages ADD COLUMN made_in BIGINT;
-- How soon each member of staff decides: read in this order, without the rows.
CREATE INDEX stays_hours ON stays (staff_id, hours, left_day, province_id, agency_id) WHERE staff_id IS NOT NULL;
INSERT INTO meta (key, value) VALUES ('message_tallies', '');
