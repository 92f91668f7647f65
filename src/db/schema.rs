//! The tables, once for both databases: only SQL types that SQLite and PostgreSQL share. Kept by hand beside the
//! migrations; `tests/database.rs` compares them with what the migrations make.

mod reports;

pub use reports::*;

diesel::table! {
    meta (key) {
        key -> Text,
        value -> Text,
    }
}

diesel::table! {
    agencies (id) {
        id -> BigInt,
        code -> Text,
        name -> Text,
        parent_id -> Nullable<BigInt>,
        province_id -> Nullable<BigInt>,
        province_code -> Nullable<Text>,
        valid_from -> Nullable<Date>,
        valid_to -> Nullable<Date>,
    }
}

diesel::table! {
    staff (id) {
        id -> BigInt,
        login -> Text,
        name -> Text,
        role -> Text,
        agency_id -> BigInt,
        email -> Nullable<Text>,
        password_hash -> Text,
        must_change_password -> Bool,
        locked_at -> Nullable<Timestamp>,
        last_sign_in_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
    }
}

diesel::table! {
    sign_in_failures (key) {
        key -> Text,
        failures -> Integer,
        last_at -> Timestamp,
    }
}

diesel::table! {
    sessions (key_hash) {
        key_hash -> Text,
        staff_id -> Nullable<BigInt>,
        state -> Text,
        created_at -> Timestamp,
        last_seen_at -> Timestamp,
    }
}

diesel::table! {
    imports (id) {
        id -> BigInt,
        kind -> Text,
        state -> Text,
        file_name -> Text,
        sha256 -> Text,
        bytes -> BigInt,
        staff_id -> Nullable<BigInt>,
        acted_by -> Nullable<BigInt>,
        agency_id -> Nullable<BigInt>,
        province_id -> Nullable<BigInt>,
        sheet -> Nullable<Text>,
        layouts -> Nullable<Text>,
        layouts_remembered -> Bool,
        encoding -> Nullable<Text>,
        needs_confirmation -> Bool,
        confirmed -> Bool,
        has_files -> Bool,
        fault -> Nullable<Text>,
        base -> BigInt,
        rows_total -> BigInt,
        rows_read -> BigInt,
        rows_written -> BigInt,
        added -> BigInt,
        changed -> BigInt,
        unchanged -> BigInt,
        warned -> BigInt,
        refused -> BigInt,
        repaired -> BigInt,
        rechecked -> Nullable<BigInt>,
        kept -> BigInt,
        note -> Nullable<Text>,
        stop_asked -> Bool,
        lease -> Nullable<Text>,
        lease_until -> Nullable<Timestamp>,
        created_at -> Timestamp,
        at -> Timestamp,
        of_agency_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    import_layouts (kind, heading) {
        kind -> Text,
        heading -> Text,
        layout -> Text,
        saved_at -> Timestamp,
    }
}

diesel::table! {
    import_rows (id) {
        id -> BigInt,
        import_id -> BigInt,
        key -> Text,
        row_id -> BigInt,
        before -> Nullable<Text>,
        after -> Text,
    }
}

diesel::table! {
    registry_changesets (id) {
        id -> BigInt,
        import_id -> Nullable<BigInt>,
        visible -> Bool,
        at -> Timestamp,
        agency_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    registry_members (id) {
        id -> BigInt,
        changeset_id -> BigInt,
        code -> Text,
        name -> Text,
        name_folded -> Text,
        birth_date -> Nullable<Text>,
        sex -> Nullable<Text>,
        id_number -> Nullable<Text>,
        phone -> Nullable<Text>,
        email -> Nullable<Text>,
        address -> Nullable<Text>,
        household_code -> Nullable<Text>,
        relation_code -> Nullable<Text>,
    }
}

diesel::table! {
    agency_serials (agency_id, year) {
        agency_id -> BigInt,
        year -> Integer,
        last_serial -> Integer,
    }
}

diesel::table! {
    applications (id) {
        id -> BigInt,
        agency_id -> BigInt,
        province_id -> Nullable<BigInt>,
        number -> Text,
        serial -> Integer,
        kind -> Text,
        status -> Text,
        channel -> Text,
        code -> Text,
        name -> Text,
        name_sort -> Text,
        birth_date -> Nullable<Text>,
        sex -> Nullable<Text>,
        id_number -> Nullable<Text>,
        id_issued_on -> Nullable<Date>,
        id_issued_by -> Nullable<Text>,
        phone -> Text,
        email -> Nullable<Text>,
        address -> Nullable<Text>,
        province_code -> Nullable<Text>,
        commune_code -> Nullable<Text>,
        guardian_name -> Nullable<Text>,
        guardian_code -> Nullable<Text>,
        guardian_phone -> Nullable<Text>,
        guardian_email -> Nullable<Text>,
        guardian_relation -> Nullable<Text>,
        submitted_at -> Timestamp,
        received_at -> Nullable<Timestamp>,
        due_at -> Timestamp,
        decided_at -> Nullable<Timestamp>,
        decided_by -> Nullable<BigInt>,
        reason -> Nullable<Text>,
        entered_by -> Nullable<BigInt>,
        version -> Integer,
        request_key -> Nullable<Text>,
        reminders -> Integer,
        erased_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    name_tokens (token, application_id) {
        token -> BigInt,
        application_id -> BigInt,
        agency_id -> BigInt,
        province_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    photos (id) {
        id -> BigInt,
        application_id -> BigInt,
        kind -> Text,
        sha256 -> Text,
        current -> Bool,
        added_at -> Timestamp,
        added_by -> Nullable<BigInt>,
    }
}

diesel::table! {
    accounts (id) {
        id -> BigInt,
        code -> Text,
        application_id -> BigInt,
        name -> Text,
        id_number -> Nullable<Text>,
        phone -> Text,
        email -> Nullable<Text>,
        state -> Text,
        password_hashes -> Nullable<Text>,
        must_change_password -> Bool,
        created_at -> Timestamp,
        agency_id -> BigInt,
        province_id -> Nullable<BigInt>,
        birth_date -> Nullable<Text>,
        sex -> Nullable<Text>,
        id_issued_on -> Nullable<Date>,
        id_issued_by -> Nullable<Text>,
        address -> Nullable<Text>,
        province_code -> Nullable<Text>,
        commune_code -> Nullable<Text>,
        guardian_name -> Nullable<Text>,
        guardian_code -> Nullable<Text>,
        guardian_phone -> Nullable<Text>,
        guardian_email -> Nullable<Text>,
        guardian_relation -> Nullable<Text>,
        version -> Integer,
        state_at -> Nullable<Timestamp>,
        lock_cause -> Nullable<Text>,
        failed_tries -> Integer,
        password_set_at -> Nullable<Timestamp>,
        expiry_notices -> Integer,
        device_hash -> Nullable<Text>,
        last_sign_in_at -> Nullable<Timestamp>,
        invited_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    messages (id) {
        id -> BigInt,
        idempotency_key -> Text,
        application_id -> Nullable<BigInt>,
        account_id -> Nullable<BigInt>,
        kind -> Text,
        channel -> Text,
        recipient -> Text,
        subject -> Nullable<Text>,
        body -> Text,
        html -> Nullable<Text>,
        state -> Text,
        attempts -> Integer,
        next_attempt_at -> Timestamp,
        lease -> Nullable<Text>,
        created_at -> Timestamp,
        sent_at -> Nullable<Timestamp>,
        last_error -> Nullable<Text>,
        otp_id -> Nullable<BigInt>,
        agency_id -> BigInt,
        province_id -> Nullable<BigInt>,
        staff_id -> Nullable<BigInt>,
        lane -> Integer,
        gateway -> Nullable<Text>,
        receipt_due_at -> Nullable<Timestamp>,
        delivered_at -> Nullable<Timestamp>,
        cause -> Nullable<Text>,
        root_id -> Nullable<BigInt>,
        settled -> Bool,
        invitation_id -> Nullable<BigInt>,
        made_in -> Nullable<BigInt>,
    }
}

diesel::table! {
    events (id) {
        id -> BigInt,
        application_id -> Nullable<BigInt>,
        staff_id -> Nullable<BigInt>,
        kind -> Text,
        at -> Timestamp,
        address -> Nullable<Text>,
        before -> Nullable<Text>,
        after -> Nullable<Text>,
        account_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    otps (id) {
        id -> BigInt,
        account_id -> BigInt,
        purpose -> Text,
        device_hash -> Nullable<Text>,
        hashes -> Nullable<Text>,
        tries -> Integer,
        created_at -> Timestamp,
        expires_at -> Timestamp,
        used_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    holidays (day) {
        day -> Date,
        name -> Text,
    }
}

diesel::table! {
    api_keys (id) {
        id -> BigInt,
        name -> Text,
        key_hash -> Text,
        scopes -> Text,
        created_at -> Timestamp,
        created_by -> Nullable<BigInt>,
        last_used_at -> Nullable<Timestamp>,
        revoked_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    message_steps (id) {
        id -> BigInt,
        message_id -> BigInt,
        at -> Timestamp,
        state -> Text,
        attempt -> Integer,
        gateway -> Nullable<Text>,
        cause -> Nullable<Text>,
        tallied -> Bool,
    }
}

diesel::table! {
    message_texts (id) {
        id -> BigInt,
        text_key -> Text,
        version -> Integer,
        subject -> Nullable<Text>,
        body -> Nullable<Text>,
        staff_id -> BigInt,
        created_at -> Timestamp,
    }
}

diesel::table! {
    invitations (id) {
        id -> BigInt,
        staff_id -> BigInt,
        agency_id -> BigInt,
        province_id -> Nullable<BigInt>,
        filter -> Text,
        body -> Text,
        found -> BigInt,
        queued -> BigInt,
        after_account -> BigInt,
        created_at -> Timestamp,
        ended_at -> Nullable<Timestamp>,
        stopped_by -> Nullable<BigInt>,
    }
}

diesel::joinable!(staff -> agencies (agency_id));
diesel::joinable!(sessions -> staff (staff_id));
diesel::joinable!(applications -> agencies (agency_id));
diesel::joinable!(name_tokens -> applications (application_id));
diesel::joinable!(photos -> applications (application_id));
diesel::joinable!(accounts -> applications (application_id));
diesel::joinable!(messages -> applications (application_id));
diesel::joinable!(messages -> agencies (agency_id));
diesel::joinable!(message_steps -> messages (message_id));
diesel::joinable!(message_texts -> staff (staff_id));
diesel::joinable!(invitations -> staff (staff_id));
diesel::joinable!(events -> staff (staff_id));
diesel::joinable!(stays -> applications (application_id));
diesel::joinable!(stays -> agencies (agency_id));
diesel::joinable!(registry_counts -> agencies (agency_id));
diesel::joinable!(targets -> agencies (agency_id));
diesel::joinable!(targets -> staff (set_by));
diesel::joinable!(exports -> staff (staff_id));
diesel::joinable!(subscriptions -> staff (staff_id));
diesel::joinable!(import_rows -> imports (import_id));
diesel::joinable!(registry_members -> registry_changesets (changeset_id));
diesel::allow_tables_to_appear_in_same_query!(
    agencies,
    staff,
    sessions,
    imports,
    import_rows,
    registry_changesets,
    registry_members,
    applications,
    name_tokens,
    photos,
    accounts,
    messages,
    message_steps,
    message_tallies,
    message_texts,
    invitations,
    events,
    otps,
    holidays,
    api_keys,
    stays,
    tallies,
    registry_counts,
    account_changes,
    account_tallies,
    targets,
    exports,
    subscriptions,
);
