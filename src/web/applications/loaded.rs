//! What the page of an application shows, read at one moment.

use chrono::NaiveDateTime;
use serde::Deserialize;

use super::tombstone::Tombstone;
use super::within_scope;
use crate::clock;
use crate::db::agencies::Agency;
use crate::db::applications::Attempt;
use crate::db::events::Event;
use crate::db::message_list::Told;
use crate::db::photos::Photo;
use crate::db::{Conn, accounts, agencies, applications, decisions, events, message_list, photos, registry, texts};
use crate::domain::account::GuardianAccount;
use crate::domain::act::ApplicationAct;
use crate::domain::application::{Application, Kind, PhotoKind};
use crate::domain::assessment::Evidence;
use crate::domain::change::{self, Change};
use crate::domain::event::EventKind;
use crate::domain::ids::ApplicationId;
use crate::domain::permission::Actor;
use crate::domain::registry::Member;
use crate::domain::texts::Texts;
use crate::error::AppError;

/// How much of the history the page shows.
const EVENTS: i64 = 200;

/// All that the page shows of an application, as it was at one moment.
pub struct Loaded {
    pub evidence: Evidence,
    pub candidates: Vec<Member>,
    pub attempts: Vec<Attempt>,
    /// The last one that was rejected before, and what is different since.
    pub rejected: Option<(Application, Vec<Change>)>,
    pub photos: Vec<Photo>,
    /// The account's present photos, for a change of information.
    pub present: Vec<Photo>,
    pub events: Vec<Event>,
    pub messages: Vec<Told>,
    pub sharing: (i64, i64),
    pub guardian: Option<GuardianAccount>,
    /// Whether this person may open the guardian's account.
    pub opens_guardian: bool,
    /// When the account was changed after this change was declared, which may ask for what was true then.
    pub moved_at: Option<NaiveDateTime>,
    /// Whether the account's own page is this person's to see.
    pub sees_account: bool,
    /// Where a supervisor may move it to.
    pub offices: Vec<Agency>,
    /// The words that citizens are sent.
    pub texts: Texts,
}

/// The application; or, when its personal data was erased, what is left of it.
pub fn load(conn: &mut Conn, actor: &Actor, id: ApplicationId) -> Result<Result<Loaded, Tombstone>, AppError> {
    let application = within_scope(conn, actor, id)?;
    if application.erased_at.is_some() {
        return Ok(Err(Tombstone::load(conn, application)?));
    }
    let evidence = decisions::evidence(conn, application)?;
    let application = &evidence.application;
    let declaration = &application.declaration;
    let photos = photos::of_application(conn, id)?;
    let guardian = match declaration.guardian.as_ref().and_then(|guardian| guardian.code.as_ref()) {
        Some(code) => accounts::guardian_account(conn, code)?,
        None => None,
    };
    let present = match application.kind {
        Kind::Change => photos::of_account(conn, &declaration.code)?,
        Kind::New => Vec::new(),
    };
    let may_move = ApplicationAct::Move.is_offered(actor.role, application.kind, application.status);
    let account = evidence.account.as_ref();
    let opened = match account {
        Some(account) => accounts::find_for(conn, actor, account.id, clock::now())?,
        None => None,
    };
    Ok(Ok(Loaded {
        candidates: registry::candidates(conn, declaration)?,
        attempts: applications::attempts(conn, application)?,
        rejected: rejected(conn, application, &photos)?,
        present,
        moved_at: match account {
            Some(account) if application.kind == Kind::Change && application.status.is_open() => {
                let kinds = [EventKind::Changed, EventKind::AccountContactChanged];
                events::last_of(conn, account.id, &kinds, application.submitted_at)?
            }
            _ => None,
        },
        opens_guardian: match &guardian {
            Some(guardian) => accounts::find_for(conn, actor, guardian.id, clock::now())?.is_some(),
            None => false,
        },
        guardian,
        sees_account: opened.is_some(),
        offices: if may_move { agencies::all(conn, actor.scope())? } else { Vec::new() },
        events: events::of_application(conn, id, EVENTS)?,
        messages: message_list::told_of_application(conn, id)?,
        sharing: accounts::sharing(conn, declaration)?,
        texts: texts::current(conn)?,
        photos,
        evidence,
    }))
}

/// What a change of information would change, or has changed.
pub fn changes(loaded: &Loaded) -> Vec<Change> {
    #[derive(Deserialize)]
    struct Recorded {
        changes: Vec<Change>,
    }
    let recorded = loaded.events.iter().find(|event| event.kind == EventKind::Changed);
    let recorded = recorded.and_then(|event| serde_json::from_str::<Recorded>(event.after.as_deref()?).ok());
    match recorded {
        Some(recorded) => recorded.changes,
        None => loaded.evidence.changes(),
    }
}

/// What was rejected before, and what is different in this declaration.
fn rejected(
    conn: &mut Conn,
    application: &Application,
    photos: &[Photo],
) -> Result<Option<(Application, Vec<Change>)>, AppError> {
    let Some(earlier) = applications::rejected_before(conn, application)? else { return Ok(None) };
    let before = photos::of_application(conn, earlier.id)?;
    let is_new = |photo: &&Photo| photo.current && !before.iter().any(|old| old.current && old.sha256 == photo.sha256);
    let pictures: Vec<PhotoKind> = photos.iter().filter(is_new).map(|photo| photo.kind).collect();
    let changes = change::between(&earlier.declaration, &application.declaration, &pictures);
    Ok(Some((earlier, changes)))
}
