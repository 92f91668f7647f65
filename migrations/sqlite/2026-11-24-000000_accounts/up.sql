-- An account keeps what was last declared and approved of its holder, so that a change can be laid beside it.
ALTER TABLE accounts ADD COLUMN agency_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN province_id BIGINT;
ALTER TABLE accounts ADD COLUMN birth_date TEXT;
ALTER TABLE accounts ADD COLUMN sex TEXT;
ALTER TABLE accounts ADD COLUMN id_issued_on DATE;
ALTER TABLE accounts ADD COLUMN id_issued_by TEXT;
ALTER TABLE accounts ADD COLUMN address TEXT;
ALTER TABLE accounts ADD COLUMN province_code TEXT;
ALTER TABLE accounts ADD COLUMN commune_code TEXT;
ALTER TABLE accounts ADD COLUMN guardian_name TEXT;
ALTER TABLE accounts ADD COLUMN guardian_code TEXT;
ALTER TABLE accounts ADD COLUMN guardian_phone TEXT;
ALTER TABLE accounts ADD COLUMN guardian_email TEXT;
ALTER TABLE accounts ADD COLUMN guardian_relation TEXT;
-- Rises by one with every act; a form that was made from an older version is refused.
ALTER TABLE accounts ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
-- When the state was last reached; NULL when it never changed.
ALTER TABLE accounts ADD COLUMN state_at TIMESTAMP;
ALTER TABLE accounts ADD COLUMN lock_cause TEXT;
-- Wrong passwords in a row.
ALTER TABLE accounts ADD COLUMN failed_tries INTEGER NOT NULL DEFAULT 0;
-- When the password was made or chosen, and how often the holder was told that it expires.
ALTER TABLE accounts ADD COLUMN password_set_at TIMESTAMP;
ALTER TABLE accounts ADD COLUMN expiry_notices INTEGER NOT NULL DEFAULT 0;
-- The one device that is signed in, by the hash of what it calls itself.
ALTER TABLE accounts ADD COLUMN device_hash TEXT;
ALTER TABLE accounts ADD COLUMN last_sign_in_at TIMESTAMP;
UPDATE accounts SET
    agency_id = (SELECT a.agency_id FROM applications a WHERE a.id = application_id),
    province_id = (SELECT a.province_id FROM applications a WHERE a.id = application_id),
    birth_date = (SELECT a.birth_date FROM applications a WHERE a.id = application_id),
    sex = (SELECT a.sex FROM applications a WHERE a.id = application_id),
    id_issued_on = (SELECT a.id_issued_on FROM applications a WHERE a.id = application_id),
    id_issued_by = (SELECT a.id_issued_by FROM applications a WHERE a.id = application_id),
    phone = (SELECT a.phone FROM applications a WHERE a.id = application_id),
    email = (SELECT a.email FROM applications a WHERE a.id = application_id),
    address = (SELECT a.address FROM applications a WHERE a.id = application_id),
    province_code = (SELECT a.province_code FROM applications a WHERE a.id = application_id),
    commune_code = (SELECT a.commune_code FROM applications a WHERE a.id = application_id),
    guardian_name = (SELECT a.guardian_name FROM applications a WHERE a.id = application_id),
    guardian_code = (SELECT a.guardian_code FROM applications a WHERE a.id = application_id),
    guardian_phone = (SELECT a.guardian_phone FROM applications a WHERE a.id = application_id),
    guardian_email = (SELECT a.guardian_email FROM applications a WHERE a.id = application_id),
    guardian_relation = (SELECT a.guardian_relation FROM applications a WHERE a.id = application_id),
    password_set_at = CASE WHEN password_hashes IS NULL THEN NULL ELSE created_at END;
-- With what a list is filtered by, so that skipping rows reads the index only.
CREATE INDEX accounts_by_agency ON accounts (agency_id, id, state);
CREATE INDEX accounts_by_province ON accounts (province_id, id, state);
CREATE INDEX accounts_by_guardian ON accounts (guardian_code) WHERE guardian_code IS NOT NULL;
CREATE INDEX accounts_by_guardian_phone ON accounts (guardian_phone) WHERE guardian_phone IS NOT NULL;
CREATE INDEX accounts_by_guardian_email ON accounts (guardian_email) WHERE guardian_email IS NOT NULL;
-- Whose password grows old and who was not told yet that it has expired.
CREATE INDEX accounts_by_password_age ON accounts (expiry_notices, password_set_at, id)
    WHERE state = 'active' AND password_set_at IS NOT NULL AND expiry_notices < 2;

-- How often somebody who has not come was reminded; when personal data was erased and only number, dates and agency stayed.
ALTER TABLE applications ADD COLUMN reminders INTEGER NOT NULL DEFAULT 0;
ALTER TABLE applications ADD COLUMN erased_at TIMESTAMP;
CREATE INDEX applications_unvisited ON applications (submitted_at, id)
    WHERE status = 'pending' AND received_at IS NULL AND guardian_name IS NULL;
CREATE INDEX applications_to_erase ON applications (decided_at, id) WHERE status = 'expired' AND erased_at IS NULL;
-- Who else has a picture.
CREATE INDEX photos_by_sha256 ON photos (sha256);

-- One-time passwords on their way. The digits are made at the moment of sending; of each that may have arrived the hash is
-- kept, one PHC string a line.
CREATE TABLE otps (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    purpose TEXT NOT NULL,
    -- The device that asks to be signed in, as in accounts.device_hash.
    device_hash TEXT,
    hashes TEXT,
    tries INTEGER NOT NULL,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    used_at TIMESTAMP
);
CREATE INDEX otps_by_account ON otps (account_id, id);

-- A body may hold {otp} where a one-time password goes; this says which.
ALTER TABLE messages ADD COLUMN otp_id BIGINT REFERENCES otps (id);
CREATE INDEX messages_by_account ON messages (account_id, id) WHERE account_id IS NOT NULL;

-- What happened to an account; events of its applications are told by both.
ALTER TABLE events ADD COLUMN account_id BIGINT REFERENCES accounts (id);
CREATE INDEX events_by_account ON events (account_id, id) WHERE account_id IS NOT NULL;

-- Days on which offices are closed, besides Saturdays and Sundays. Those of 2027 that are not announced yet are expected.
CREATE TABLE holidays (
    day DATE PRIMARY KEY,
    name TEXT NOT NULL
);
INSERT INTO holidays (day, name) VALUES
    ('2025-01-01', 'Tết Dương lịch'),
    ('2025-01-27', 'Tết Nguyên đán'),
    ('2025-01-28', 'Tết Nguyên đán'),
    ('2025-01-29', 'Tết Nguyên đán'),
    ('2025-01-30', 'Tết Nguyên đán'),
    ('2025-01-31', 'Tết Nguyên đán'),
    ('2025-04-07', 'Giỗ Tổ Hùng Vương'),
    ('2025-04-30', 'Ngày Chiến thắng'),
    ('2025-05-01', 'Quốc tế Lao động'),
    ('2025-09-01', 'Quốc khánh'),
    ('2025-09-02', 'Quốc khánh'),
    ('2026-01-01', 'Tết Dương lịch'),
    ('2026-02-16', 'Tết Nguyên đán'),
    ('2026-02-17', 'Tết Nguyên đán'),
    ('2026-02-18', 'Tết Nguyên đán'),
    ('2026-02-19', 'Tết Nguyên đán'),
    ('2026-02-20', 'Tết Nguyên đán'),
    ('2026-04-27', 'Giỗ Tổ Hùng Vương (nghỉ bù)'),
    ('2026-04-30', 'Ngày Chiến thắng'),
    ('2026-05-01', 'Quốc tế Lao động'),
    ('2026-09-01', 'Quốc khánh'),
    ('2026-09-02', 'Quốc khánh'),
    ('2027-01-01', 'Tết Dương lịch'),
    ('2027-02-05', 'Tết Nguyên đán'),
    ('2027-02-08', 'Tết Nguyên đán'),
    ('2027-02-09', 'Tết Nguyên đán'),
    ('2027-02-10', 'Tết Nguyên đán (nghỉ bù)'),
    ('2027-02-11', 'Tết Nguyên đán (nghỉ bù)'),
    ('2027-04-16', 'Giỗ Tổ Hùng Vương'),
    ('2027-04-30', 'Ngày Chiến thắng'),
    ('2027-05-03', 'Quốc tế Lao động (nghỉ bù)'),
    ('2027-09-02', 'Quốc khánh'),
    ('2027-09-03', 'Quốc khánh');

-- The first rises with every change of the holidays; the second is the one by which every due_at has been looked at.
INSERT INTO meta (key, value) VALUES ('holidays_revision', '0'), ('due_at_revision', '0');

-- The programs that may ask the interface for accounts, by the hash of their key: a copy of this table opens nothing.
CREATE TABLE api_keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    key_hash TEXT NOT NULL UNIQUE,
    -- Separated by spaces.
    scopes TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    created_by BIGINT REFERENCES staff (id),
    last_used_at TIMESTAMP,
    revoked_at TIMESTAMP
);
