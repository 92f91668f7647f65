use std::collections::{HashMap, HashSet};

use chrono::NaiveDateTime;

use super::*;
use crate::db::decisions::evidence;
use crate::db::list::{self, Query};
use crate::db::{DatabaseUrl, applications as stored, deadlines, messages, photos};
use crate::domain::application::{Application, Kind, PhotoKind, Status};
use crate::domain::assessment::{self, Assessment, Checklist, Decision, Evidence};
use crate::domain::deadline::DeadlineState;
use crate::domain::delivery::MessageState;
use crate::domain::filter::Sort;
use crate::domain::ids::ApplicationId;
use crate::domain::names::Name;
use crate::domain::numbers::{Email, IdNumber, Phone, SocialCode};
use crate::domain::outbox::MessageKind;
use crate::domain::permission::Scope;
use crate::domain::refusal::Refusal;
use crate::domain::registry::{Differences, Verdict};

const SIZE: Size = Size { applications: 700, registry: 2_000, seed: 7 };

struct Filling {
    _folder: tempfile::TempDir,
    now: NaiveDateTime,
    db: Db,
    photos: PhotoStore,
}

/// UTC.
fn at(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
}

/// A Tuesday morning in Hanoi.
fn now() -> NaiveDateTime {
    at("2026-11-24 03:30")
}

fn empty() -> Filling {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tnhs.db").to_string_lossy().into_owned();
    let db = Db::open(&DatabaseUrl::Sqlite(path), 2).unwrap();
    db.migrate().unwrap();
    let photos = PhotoStore::new(folder.path().join("photos"));
    Filling { _folder: folder, now: now(), db, photos }
}

fn filled_at(now: NaiveDateTime) -> Filling {
    let filling = Filling { now, ..empty() };
    assert_eq!(fill(&filling.db, &filling.photos, &SIZE, now).unwrap(), Filled::Now);
    filling
}

fn filled() -> Filling {
    filled_at(now())
}

impl Filling {
    fn query<T>(&self, f: impl FnOnce(&mut Conn) -> diesel::QueryResult<T>) -> T {
        self.db.read(|conn| Ok::<_, DbError>(f(conn)?)).unwrap()
    }

    /// The ids of a scope, in the order of its list.
    fn ids(&self, scope: Scope) -> Vec<ApplicationId> {
        let query = Query {
            scope,
            terms: Vec::new(),
            agency: None,
            kind: None,
            status: None,
            deadline: None,
            from: None,
            before: None,
            sort: Sort::Queue,
            descending: false,
            group: None,
            now: self.now,
        };
        self.query(|conn| list::page(conn, &query, 10_000, 0)).into_iter().map(|row| row.id).collect()
    }

    fn evidence(&self, id: ApplicationId) -> Evidence {
        self.query(|conn| {
            let application = stored::find(conn, Scope::Country, id)?.unwrap();
            evidence(conn, application)
        })
    }

    fn all(&self) -> Vec<Evidence> {
        self.ids(Scope::Country).into_iter().map(|id| self.evidence(id)).collect()
    }

    fn office(&self, code: &str) -> AgencyId {
        self.query(|conn| agencies::find_by_code(conn, code)).unwrap().id
    }
}

#[test]
fn the_officers_desk_has_every_status_every_verdict_and_every_obstacle() {
    let filling = filled();
    let desk: Vec<Evidence> =
        filling.ids(Scope::Agency(filling.office("99001"))).into_iter().map(|id| filling.evidence(id)).collect();
    for status in Status::ALL {
        assert!(desk.iter().any(|e| e.application.status == *status), "{status:?}");
    }
    for kind in Kind::ALL {
        assert!(desk.iter().any(|e| e.application.kind == *kind), "{kind:?}");
    }
    let pending: Vec<&Evidence> = desk.iter().filter(|e| e.application.status == Status::Pending).collect();
    let share = |verdict| pending.iter().filter(|e| e.verdict() == verdict).count() * 100 / pending.len();
    for verdict in Verdict::ALL {
        assert!(share(*verdict) >= 5, "{verdict:?} {}", share(*verdict));
    }
    assert!((50..75).contains(&share(Verdict::Exact)), "{}", share(Verdict::Exact));
    for state in DeadlineState::ALL {
        let stands = |e: &&&Evidence| DeadlineState::of(e.application.due_at, None, now()) == *state;
        assert!(pending.iter().any(|e| stands(&e)), "{state:?}");
    }
    let obstacle =
        |found: fn(&Refusal) -> bool| pending.iter().any(|e| assessment::obstacle(e).as_ref().is_some_and(found));
    assert!(obstacle(|refusal| matches!(refusal, Refusal::AccountExists)));
    assert!(obstacle(|refusal| matches!(refusal, Refusal::IdNumberTaken(_))));
    assert!(obstacle(|refusal| matches!(refusal, Refusal::NoPortrait)));
    let can_be_changed = |e: &&&Evidence| e.application.kind == Kind::Change && assessment::obstacle(e).is_none();
    assert!(pending.iter().any(|e| can_be_changed(&e)));
    let differs = |field: fn(Differences) -> bool| {
        pending.iter().any(|e| {
            e.verdict() == Verdict::Exact
                && e.member
                    .as_ref()
                    .is_some_and(|member| field(Differences::between(&e.application.declaration, member)))
        })
    };
    assert!(differs(|differences| differences.birth_date));
    assert!(differs(|differences| differences.sex));
    assert!(differs(|differences| differences.id_number));
    let has = |what: &dyn Fn(&Application) -> bool| pending.iter().any(|e| what(&e.application));
    assert!(has(&|application| application.declaration.email.is_none()));
    assert!(has(&|application| application.declaration.guardian.is_some()
        && filling
            .query(|conn| photos::of_application(conn, application.id))
            .iter()
            .any(|photo| photo.kind == PhotoKind::BirthCertificate)));
    assert!(has(&|application| {
        let attempts = filling.query(|conn| stored::attempts(conn, application));
        application.kind == Kind::New && attempts.iter().any(|attempt| attempt.status == Status::Rejected)
    }));
    assert!(has(
        &|application| filling.query(|conn| crate::db::accounts::sharing(conn, &application.declaration)).0 > 0
    ));
    assert!(has(&|application| {
        let candidates = filling.query(|conn| crate::db::registry::candidates(conn, &application.declaration));
        candidates.iter().any(|member| member.id_number == application.declaration.id_number)
    }));
}

#[test]
fn in_every_office_every_verdict_is_waiting() {
    let filling = filled();
    for office in ["99002", "99006", "99102"] {
        let desk: Vec<Evidence> =
            filling.ids(Scope::Agency(filling.office(office))).into_iter().map(|id| filling.evidence(id)).collect();
        let pending: HashSet<&str> =
            desk.iter().filter(|e| e.application.status == Status::Pending).map(|e| e.verdict().code()).collect();
        assert_eq!(pending.len(), Verdict::ALL.len(), "{office} {pending:?}");
    }
}

#[test]
fn the_walk_through_is_on_top_of_the_officers_list_and_goes_as_it_is_told() {
    let filling = filled();
    let top = filling.ids(Scope::Agency(filling.office("99001")));
    let ticked = |name_compared| Checklist { id_compared: true, form_signed: true, photo_matches: true, name_compared };
    for (id, guest) in top.into_iter().zip(walk_through::GUESTS) {
        let evidence = filling.evidence(id);
        assert_eq!(evidence.application.declaration.name.as_str(), guest.name);
        assert_eq!(evidence.application.declaration.code.as_str(), guest.code);
        let outcome = assessment::assess(&evidence, Assessment::Valid(ticked(false)));
        match guest.code {
            code if code == walk_through::UNACCENTED.code => {
                assert_eq!(outcome, Err(Refusal::NameNotCompared));
                let outcome = assessment::assess(&evidence, Assessment::Valid(ticked(true)));
                assert_eq!(outcome, Ok(Decision::Approve));
            }
            code if code == walk_through::MISSING.code => assert_eq!(outcome, Ok(Decision::AwaitCode)),
            _ => assert_eq!(outcome, Ok(Decision::Approve)),
        }
    }
}

#[test]
fn numbers_run_without_a_gap_and_a_code_has_one_account() {
    let filling = filled();
    let all = filling.all();
    assert_eq!(all.len(), 700);
    let mut serials: HashMap<String, Vec<u32>> = HashMap::new();
    let mut approved: HashMap<&str, u32> = HashMap::new();
    for Evidence { application, account, .. } in &all {
        let number = application.number.as_str();
        serials.entry(number[5..].to_owned()).or_default().push(number[..5].parse().unwrap());
        if application.status == Status::Approved {
            assert!(account.is_some());
            *approved.entry(application.declaration.code.as_str()).or_default() += 1;
        }
    }
    for (of, serials) in &mut serials {
        serials.sort_unstable();
        assert!(serials.iter().copied().eq(1..=serials.len() as u32), "{of}");
    }
    assert!(approved.values().all(|accounts| *accounts == 1));
    // The desk goes on where the demo stops.
    let agency = filling.office("99001");
    let declaration = &all[0].application.declaration;
    let (_, number) = filling
        .db
        .write(|conn| {
            let new = stored::NewApplication {
                request_key: None,
                agency_id: agency,
                kind: Kind::New,
                channel: crate::domain::application::Channel::Counter,
                declaration,
                submitted_at: now(),
                received_at: Some(now()),
                due_at: now(),
                entered_by: None,
                year: 2026,
            };
            Ok::<_, DbError>(stored::insert(conn, &new)?)
        })
        .unwrap();
    assert_eq!(number.as_str(), format!("{:05}/2026/99001", serials["/2026/99001"].len() + 1));
}

#[test]
fn every_application_is_as_the_rules_would_have_left_it() {
    // On a working day, on a Sunday evening, in the first days of a year, during Tết.
    for now in [now(), at("2026-11-22 14:00"), at("2027-01-04 02:00"), at("2027-02-10 09:00")] {
        keeps_the_rules(&filled_at(now));
    }
}

fn keeps_the_rules(filling: &Filling) {
    let calendar = filling.query(crate::db::holidays::calendar);
    for evidence in filling.all() {
        let application = &evidence.application;
        let declaration = &application.declaration;
        let number = application.number.as_str();
        assert_eq!(SocialCode::parse(declaration.code.as_str()).unwrap(), declaration.code, "{number}");
        assert_eq!(Name::parse(declaration.name.as_str()).unwrap(), declaration.name, "{number}");
        assert_eq!(Phone::parse(declaration.phone.as_str()).unwrap(), declaration.phone, "{number}");
        if let Some(email) = application.declaration.notice_email() {
            assert_eq!(Email::parse(email.as_str()).unwrap(), *email, "{number}");
        }
        match &declaration.id_number {
            Some(id_number) => {
                assert_eq!(IdNumber::parse(id_number.as_str()).unwrap(), *id_number, "{number}");
                assert_eq!(id_number.mismatch(declaration.sex, declaration.birth_date.as_ref()), None, "{number}");
            }
            None => assert!(declaration.guardian.is_some(), "{number}"),
        }
        let due = calendar.due_at(application.submitted_at, application.received_at);
        assert_eq!(application.due_at, due, "{number}");
        let times =
            [Some(application.submitted_at), application.received_at, application.decided_at, Some(filling.now)];
        assert!(times.iter().flatten().is_sorted(), "{number} {times:?}");
        let sent = filling.query(|conn| messages::of_application(conn, application.id));
        assert!(sent.iter().all(|message| matches!(message.state, MessageState::Accepted | MessageState::Failed)));
        match application.status {
            Status::Pending | Status::AwaitingCode => {
                assert!(application.decided_at.is_none() && sent.iter().all(|m| m.kind == MessageKind::Reminder));
            }
            Status::Approved => {
                assert!(matches!(evidence.verdict(), Verdict::Exact | Verdict::Unaccented), "{number}");
                assert!(evidence.pictures.contains(&PhotoKind::Portrait) && !sent.is_empty(), "{number}");
            }
            Status::Rejected => assert!(application.reason.is_some() && !sent.is_empty(), "{number}"),
            Status::Expired => assert!(application.received_at.is_none() && sent.len() == 2, "{number}"),
        }
        if application.status == Status::Pending && application.received_at.is_none() {
            assert!(application.due_at > filling.now, "{number} would have been removed");
        }
    }
    let dead = filling.query(|conn| crate::db::message_list::with_dead_messages(conn, &filling.ids(Scope::Country)));
    assert_eq!(dead.len(), 2);
    assert_eq!(filling.query(messages::waiting), 0);
    let unreminded = filling.query(|conn| deadlines::unreminded(conn, filling.now, 1));
    assert!(unreminded.is_empty(), "somebody would be reminded");
}

#[test]
fn the_same_seed_gives_the_same_province() {
    let people = |filling: &Filling| {
        let all = filling.all().into_iter();
        all.map(|e| (e.application.number, e.application.declaration, e.application.submitted_at)).collect::<Vec<_>>()
    };
    assert_eq!(people(&filled()), people(&filled()));
}

#[test]
fn filling_again_changes_nothing() {
    let filling = filled();
    let before = filling.ids(Scope::Country);
    assert_eq!(fill(&filling.db, &filling.photos, &SIZE, now()).unwrap(), Filled::AlreadyFilled);
    assert_eq!(filling.ids(Scope::Country), before);
}

#[test]
fn a_database_in_use_is_refused() {
    let filling = empty();
    filling.db.write(|conn| Ok::<_, DbError>(agencies::insert(conn, "001", "Bảo hiểm xã hội", None, None)?)).unwrap();
    let error = fill(&filling.db, &filling.photos, &SIZE, now()).unwrap_err().to_string();
    assert!(error.contains("already holds data"), "{error}");
    assert!(filling.ids(Scope::Country).is_empty());
}
