//! The tables that only counting needs: what is kept of the work and added up, and what it shall come to.

diesel::table! {
    stays (id) {
        id -> BigInt,
        application_id -> BigInt,
        agency_id -> BigInt,
        province_id -> Nullable<BigInt>,
        channel -> Text,
        entered_as -> Text,
        entered_at -> Timestamp,
        entered_day -> Date,
        entered_tallied -> Bool,
        left_as -> Nullable<Text>,
        left_at -> Nullable<Timestamp>,
        left_day -> Nullable<Date>,
        left_tallied -> Bool,
        staff_id -> Nullable<BigInt>,
        reason -> Nullable<Text>,
        late -> Nullable<Bool>,
        hours -> Nullable<Integer>,
    }
}

diesel::table! {
    tallies (facet, level, start, agency_id, value) {
        facet -> Text,
        level -> Text,
        start -> Date,
        agency_id -> BigInt,
        value -> Text,
        province_id -> Nullable<BigInt>,
        filed -> BigInt,
        reopened -> BigInt,
        moved_in -> BigInt,
        moved_out -> BigInt,
        approved -> BigInt,
        rejected -> BigInt,
        expired -> BigInt,
        late -> BigInt,
    }
}

diesel::table! {
    registry_counts (day, agency_id) {
        day -> Date,
        agency_id -> BigInt,
        people -> BigInt,
    }
}

diesel::table! {
    account_changes (id) {
        id -> BigInt,
        account_id -> BigInt,
        agency_id -> BigInt,
        province_id -> Nullable<BigInt>,
        day -> Date,
        change -> BigInt,
        tallied -> Bool,
    }
}

diesel::table! {
    account_tallies (level, start, agency_id) {
        level -> Text,
        start -> Date,
        agency_id -> BigInt,
        province_id -> Nullable<BigInt>,
        change -> BigInt,
    }
}

diesel::table! {
    targets (agency_id, until) {
        agency_id -> BigInt,
        until -> Date,
        accounts -> BigInt,
        set_by -> BigInt,
        set_at -> Timestamp,
    }
}

diesel::table! {
    message_tallies (level, start, agency_id, channel) {
        level -> Text,
        start -> Date,
        agency_id -> BigInt,
        channel -> Text,
        province_id -> Nullable<BigInt>,
        made -> BigInt,
        sent -> BigInt,
        failed -> BigInt,
        dropped -> BigInt,
        delivered -> BigInt,
        undelivered -> BigInt,
        no_receipt -> BigInt,
        pending -> BigInt,
    }
}

diesel::table! {
    exports (id) {
        id -> BigInt,
        staff_id -> BigInt,
        scope -> Text,
        subject -> Text,
        format -> Text,
        in_full -> Bool,
        reason -> Nullable<Text>,
        state -> Text,
        rows_done -> BigInt,
        rows_total -> BigInt,
        lease -> Nullable<Text>,
        lease_until -> Nullable<Timestamp>,
        attempts -> Integer,
        bytes -> BigInt,
        address -> Nullable<Text>,
        created_at -> Timestamp,
        at -> Timestamp,
    }
}

diesel::table! {
    subscriptions (id) {
        id -> BigInt,
        staff_id -> BigInt,
        kind -> Text,
        agency_id -> Nullable<BigInt>,
        every -> Text,
        on_day -> Integer,
        minute -> Integer,
        due_at -> Timestamp,
        next_at -> Timestamp,
        tries -> Integer,
        export_id -> Nullable<BigInt>,
        lease -> Nullable<Text>,
        lease_until -> Nullable<Timestamp>,
        sent_at -> Nullable<Timestamp>,
        fault -> Nullable<Text>,
        created_at -> Timestamp,
        stopped_at -> Nullable<Timestamp>,
    }
}
