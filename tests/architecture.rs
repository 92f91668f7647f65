//! The arrows of the house: `main → startup → web, jobs → db, adapters → domain`. Whoever needs to break one changes
//! this file first, and says why.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const MAX_LINES: usize = 450;

struct Source {
    /// From the repository's root, such as `src/db/mod.rs`.
    path: String,
    text: String,
    /// The text without comments and without the tests at its end.
    code: String,
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
}

/// The files below one of the repository's folders.
fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    files_below(&root.join(folder), &mut files);
    files.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).ok()?;
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        let code: Vec<&str> = text.lines().take_while(|line| *line != "#[cfg(test)]").filter(is_code).collect();
        Some(Source { path: path.strip_prefix(root).ok()?.to_string_lossy().into_owned(), code: code.join("\n"), text })
    };
    files.into_iter().filter_map(read).collect()
}

fn in_room(source: &Source, room: &str) -> bool {
    source.path.starts_with(&format!("src/{room}/")) || source.path == format!("src/{room}.rs")
}

/// Every room and what its code must never name.
const FORBIDDEN: &[(&str, &[&str])] = &[
    (
        "domain",
        &[
            "crate::db",
            "crate::web",
            "crate::adapters",
            "crate::jobs",
            "crate::startup",
            "crate::config",
            "crate::clock",
            "actix",
            "ureq",
            "lettre",
            "tokio",
            "std::fs",
            "std::net",
            "std::env",
            "Utc::now",
            "Local::now",
            "SystemTime",
            "Instant::now",
            "Connection",
            "RunQueryDsl",
        ],
    ),
    ("db", &["crate::web", "crate::jobs", "crate::adapters", "crate::startup", "crate::clock", "actix", "askama"]),
    ("adapters", &["crate::web", "crate::jobs", "crate::db", "crate::startup", "diesel", "actix"]),
    ("jobs", &["crate::web", "diesel", "db::schema", "actix", "askama"]),
    ("web", &["diesel", "db::schema", "lettre", "ureq"]),
];

#[test]
fn no_room_looks_where_it_must_not() {
    let sources = sources("src");
    let mut wrong = Vec::new();
    for (room, words) in FORBIDDEN {
        for source in sources.iter().filter(|source| in_room(source, room)) {
            wrong.extend(
                words.iter().filter(|word| names(&source.code, word)).map(|word| format!("{}: {word}", source.path)),
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whether the code has this path, and not only a longer word that contains it.
fn names(code: &str, path: &str) -> bool {
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    // A crate's feature module may have a name that begins like it: `actix` stands for all its crates.
    let open_end = path == "actix";
    code.match_indices(path).any(|(at, _)| {
        !is_word(code[..at].chars().next_back()) && (open_end || !is_word(code[at + path.len()..].chars().next()))
    })
}

/// The one clock is `clock::now`, so that a test can be at any time it likes.
#[test]
fn the_time_is_asked_in_one_place() {
    for source in sources("src").iter().filter(|source| source.path != "src/clock.rs") {
        for word in ["Utc::now", "Local::now", "SystemTime::now"] {
            assert!(!source.code.contains(word), "{}: {word}", source.path);
        }
    }
}

#[test]
fn sql_is_written_in_db_only() {
    for source in sources("src").iter().filter(|source| !in_room(source, "db")) {
        for word in ["sql_query", "sql::<", "batch_execute", "dsl::sql"] {
            assert!(!source.code.contains(word), "{}: {word}", source.path);
        }
    }
}

#[test]
fn a_file_is_one_room() {
    for source in sources("src").into_iter().chain(sources("tests")).filter(|source| source.path.ends_with(".rs")) {
        let lines = source.text.lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines: make two files of it", source.path);
    }
}

/// Text reaches a page escaped, always.
#[test]
fn templates_escape_everything() {
    for source in sources("templates") {
        let squeezed: String = source.text.chars().filter(|c| !c.is_whitespace()).collect();
        for word in ["|safe", "|escape(\"none\")", "{%autoescapefalse"] {
            assert!(!squeezed.contains(word), "{}: {word}", source.path);
        }
    }
    for source in sources("src") {
        let off = source.code.contains("escape = \"none\"") && !source.path.contains("message");
        assert!(!off, "{}: a page without escaping", source.path);
    }
}

#[test]
fn migrations_have_the_same_names_for_both_databases() {
    let names = |backend: &str| -> BTreeSet<String> {
        let folder = format!("migrations/{backend}/");
        sources(&folder).into_iter().filter_map(|file| Some(file.path.strip_prefix(&folder)?.to_owned())).collect()
    };
    assert!(!names("sqlite").is_empty());
    assert_eq!(names("sqlite"), names("postgres"));
}
