//! One application: the evidence on the left, the decision on the right, the history below.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{NaiveDateTime, TimeDelta};
use serde::Deserialize;

use super::assess::Form;
use super::loaded::{Loaded, changes, load};
use super::{note_look, supervise};
use crate::clock;
use crate::db::applications::Attempt;
use crate::db::events::Event;
use crate::db::message_list::Told;
use crate::db::photos::Photo;
use crate::domain::account::{Account, AccountState, LockCause};
use crate::domain::act::ApplicationAct;
use crate::domain::application::{Application, Kind, PhotoKind, Status};
use crate::domain::assessment::{self, Outcome};
use crate::domain::change::{Change, Changeable};
use crate::domain::deadline::{DeadlineState, time_left};
use crate::domain::desk::Contact;
use crate::domain::event::{self, EventKind};
use crate::domain::ids::ApplicationId;
use crate::domain::message::{self, REASONS};
use crate::domain::names::{Syllable, diff_syllables};
use crate::domain::notice;
use crate::domain::permission::Actor;
use crate::domain::places;
use crate::domain::refusal::Refusal;
use crate::domain::registry::{Differences, Member, Verdict};
use crate::domain::texts::{Place, TextKey};
use crate::error::AppError;
use crate::startup::Parts;
use crate::web::allowed::{Allowed, SeeApplications};
use crate::web::preview::Preview;
use crate::web::session::TypedSession;
use crate::web::{Chrome, Errors, Menu, page, see_other};

/// Looking again within this time, with nothing else in between, is the same look.
const SAME_LOOK: TimeDelta = TimeDelta::minutes(10);

#[derive(Template)]
#[template(path = "applications/detail.html")]
struct DetailPage {
    chrome: Chrome,
    list: String,
    loaded: Loaded,
    verdict: Verdict,
    declared_name: Vec<Syllable>,
    registered_name: Vec<Syllable>,
    differences: Differences,
    obstacle: Option<Refusal>,
    deadline: DeadlineState,
    left: Option<String>,
    may_assess: bool,
    may_replace_photo: bool,
    /// Whether the person may still be said to have come.
    may_receive: bool,
    may_reopen: bool,
    may_move: bool,
    /// What a change of information changes.
    changes: Vec<Change>,
    /// The question before a change is recorded.
    asked: Vec<Change>,
    form: Form,
    supervision: supervise::Form,
    errors: Errors,
    /// What stood in the way of recording, or what somebody else did meanwhile.
    refusal: Option<String>,
    /// What a rejection tells, and what opening it again does.
    preview: Preview,
    reopening: Preview,
    approval: String,
}

impl DetailPage {
    fn app(&self) -> &Application {
        &self.loaded.evidence.application
    }

    fn member(&self) -> Option<&Member> {
        self.loaded.evidence.member.as_ref()
    }

    /// The list as it was filtered.
    fn back(&self) -> String {
        if self.list.is_empty() { "/applications".into() } else { format!("/applications?list={}", self.list) }
    }

    /// The address of this very page.
    fn here(&self) -> String {
        format!("/applications/{}?list={}", self.app().id, self.list)
    }

    fn current(&self, kind: PhotoKind) -> Option<&Photo> {
        self.loaded.photos.iter().find(|photo| photo.kind == kind && photo.current)
    }

    /// Why it stands before its officer again, when it does.
    fn reopened(&self) -> Option<&Event> {
        let mut acts = self.loaded.events.iter().filter(|event| event.kind != EventKind::Viewed);
        self.app().status.is_open().then(|| acts.find(|event| event.kind == EventKind::Reopened)).flatten()
    }

    /// Whether its holder is told that it is decided anew: the account is locked, unless it is already or is gone.
    fn reopening_is_told(&self) -> bool {
        let own = self.loaded.evidence.own_account();
        own.is_some_and(|own| own.state != AccountState::Closed && own.lock_cause != Some(LockCause::Desk))
    }

    fn present_portrait(&self) -> Option<&Photo> {
        self.loaded.present.iter().find(|photo| photo.kind == PhotoKind::Portrait)
    }

    /// Whether a change of the telephone makes an unused password void and sends a new one.
    fn renews_password(&self) -> bool {
        let account = self.loaded.evidence.account.as_ref();
        notice::moves_contact(&self.asked).0 && account.is_some_and(|account| account.must_change_password)
    }

    /// Why the account that is to be changed is locked.
    fn locked(&self) -> Option<LockCause> {
        let account = self.loaded.evidence.account.as_ref();
        account.filter(|_| self.app().kind == Kind::Change && self.app().status.is_open())?.lock_cause
    }

    /// The pictures that a change of this would put in place.
    fn replacing(&self, field: &Changeable) -> Vec<&Photo> {
        self.loaded
            .photos
            .iter()
            .filter(|photo| photo.current && Changeable::of_picture(photo.kind) == *field)
            .collect()
    }

    /// Those of the account that they take the place of.
    fn replaced(&self, field: &Changeable) -> Vec<&Photo> {
        if !self.app().status.is_open() {
            return Vec::new();
        }
        let kinds: Vec<PhotoKind> = self.replacing(field).iter().map(|photo| photo.kind).collect();
        self.loaded.present.iter().filter(|photo| kinds.contains(&photo.kind)).collect()
    }

    /// The account of this code; of a new registration only the one that it was granted itself.
    fn account(&self) -> Option<&Account> {
        let evidence = &self.loaded.evidence;
        match evidence.application.kind {
            Kind::New => evidence.own_account(),
            Kind::Change => evidence.account.as_ref(),
        }
    }

    /// Where the account's messages will go: to a guardian as the guardian's own account says.
    fn contact(&self) -> Contact {
        if let Some(own) = self.loaded.evidence.own_account().filter(|own| own.state != AccountState::Closed) {
            return own.contact();
        }
        match &self.loaded.guardian {
            Some(guardian) => Contact { phone: guardian.phone.clone(), email: guardian.email.clone() },
            None => Contact::of(&self.app().declaration),
        }
    }

    fn needs_608a(&self) -> bool {
        self.changes.iter().any(|change| change.field.needs_608a())
    }

    fn earlier_portraits(&self) -> impl Iterator<Item = &Photo> {
        self.loaded.photos.iter().filter(|photo| photo.kind == PhotoKind::Portrait && !photo.current)
    }

    fn papers(&self) -> Vec<&Photo> {
        PhotoKind::PAPERS.into_iter().filter_map(|kind| self.current(kind)).collect()
    }

    /// What the officer should know and what nothing is refused for.
    fn warnings(&self) -> Vec<String> {
        let declaration = &self.app().declaration;
        let mut warnings = Vec::new();
        if let Some(id_number) = &declaration.id_number
            && let Some(sentence) = id_number.mismatch(declaration.sex, declaration.birth_date.as_ref())
        {
            warnings.push(sentence.to_owned());
        }
        if declaration.birth_date.is_none() {
            warnings.push("Chưa có ngày sinh: đối chiếu với giấy tờ.".to_owned());
        }
        if declaration.sex.is_none() {
            warnings.push("Chưa có giới tính: đối chiếu với giấy tờ.".to_owned());
        }
        if declaration.has_two_personal_numbers() {
            warnings.push("Mã số BHXH 12 số là số định danh, nhưng khác số giấy tờ đã kê khai.".to_owned());
        }
        let waiting: Vec<&str> = self
            .loaded
            .attempts
            .iter()
            .filter(|other| other.status.is_open())
            .map(|other| other.number.as_str())
            .collect();
        if self.app().status.is_open() && !waiting.is_empty() {
            warnings.push(format!("Mã số này còn hồ sơ khác đang chờ: {}.", waiting.join(", ")));
        }
        if let Some(guardian) = &declaration.guardian {
            match &self.loaded.guardian {
                Some(account) if account.phone != guardian.phone => warnings.push(
                    "Điện thoại người giám hộ khác với số của tài khoản người giám hộ; sau khi cấp, tin nhắn về tài khoản gửi theo \
                     tài khoản người giám hộ."
                        .to_owned(),
                ),
                None if guardian.code.is_some() => {
                    warnings.push("Mã số BHXH của người giám hộ chưa có tài khoản giao dịch điện tử.".to_owned());
                }
                _ => {}
            }
        }
        let (phone, email) = self.loaded.sharing;
        if phone > 0 {
            warnings.push(format!("Số điện thoại này đang dùng cho {phone} tài khoản khác."));
        }
        if email > 0 {
            warnings.push(format!("Email này đang dùng cho {email} tài khoản khác."));
        }
        warnings
    }

    fn commune(&self) -> Option<String> {
        let declaration = &self.app().declaration;
        let commune = declaration.commune_code.as_deref().and_then(places::commune_name);
        let province = declaration.province_code.as_deref().and_then(places::province_name);
        match (commune, province) {
            (Some(commune), Some(province)) => Some(format!("{commune}, {province}")),
            (None, province) => province.map(str::to_owned),
            (commune, None) => commune.map(str::to_owned),
        }
    }

    fn visible(&self, attempt: &Attempt) -> bool {
        self.chrome.actor.scope().covers(attempt.agency_id, attempt.province_id)
    }

    fn describe(event: &Event) -> Vec<String> {
        event::describe(event.before.as_deref(), event.after.as_deref())
    }
}

/// What the page shows besides the application itself.
#[derive(Default)]
pub struct Shown {
    pub list: String,
    pub form: Option<Form>,
    pub supervision: supervise::Form,
    pub errors: Errors,
    pub refusal: Option<String>,
    /// Whether to ask what will change.
    pub asked: bool,
    pub status: StatusCode,
}

/// A list's key as it stands in an address; anything else is dropped.
pub fn list_key(raw: &str) -> String {
    raw.chars().filter(char::is_ascii_alphanumeric).take(16).collect()
}

/// What to tell somebody whose form speaks of the application as it was before.
pub const CHANGED: &str = "Hồ sơ đã có thay đổi sau khi bạn mở (xem Lịch sử bên dưới). Hãy xem lại và đánh dấu lại các mục đã \
     kiểm tra rồi ghi nhận; nội dung bạn nhập được giữ nguyên.";

/// What to tell somebody who would change an account that is no longer as the page showed it.
pub const ACCOUNT_MOVED: &str = "Tài khoản đã có thay đổi sau khi bạn mở hồ sơ nên chưa cập nhật gì. Hãy xem lại thông tin hiện có và \
     thông tin thay đổi bên dưới rồi ghi nhận.";

/// The page, and that this person looked at it.
pub async fn show(
    request: &HttpRequest,
    actor: &Actor,
    session: &TypedSession,
    parts: &Parts,
    id: ApplicationId,
    shown: Shown,
) -> Result<HttpResponse, AppError> {
    let person = actor.clone();
    let loaded = match parts.read(move |conn| load(conn, &person, id)).await? {
        Ok(loaded) => loaded,
        Err(tombstone) => return tombstone.page(actor, session, list_key(&shown.list), shown.status),
    };
    let now = clock::now();
    let looked = just_looked(&loaded.events, actor, now);
    let evidence = &loaded.evidence;
    let application = &evidence.application;
    let obstacle = if application.status.is_open() { assessment::obstacle(evidence) } else { None };
    let mut form = shown.form.unwrap_or_else(|| Form {
        reason: assessment::suggested_reason(evidence).unwrap_or_default(),
        outcome: if assessment::suggested_reason(evidence).is_some() {
            Outcome::Invalid.code().into()
        } else {
            String::new()
        },
        ..Form::default()
    });
    let mut refusal = shown.refusal;
    if application.status.is_open() && ![0, application.version].contains(&form.version()) {
        // What was checked was checked on what is no longer there.
        refusal.get_or_insert_with(|| CHANGED.to_owned());
        form = Form {
            id_compared: String::new(),
            form_signed: String::new(),
            photo_matches: String::new(),
            name_compared: String::new(),
            ..form
        };
    }
    // The form that is shown speaks of what is shown.
    form.version = application.version.to_string();
    form.verdict = evidence.verdict().code().to_owned();
    // The question speaks of the account that is shown, or is not asked.
    let asked = if shown.asked && form.account_version == evidence.beside() { changes(&loaded) } else { Vec::new() };
    if shown.asked && asked.is_empty() {
        refusal.get_or_insert_with(|| ACCOUNT_MOVED.to_owned());
    }
    form.account_version = evidence.beside();
    form.confirmed = String::new();
    let mut supervision = shown.supervision;
    supervision.version = application.version.to_string();
    let number = application.number.as_str();
    let preview = rejection(&loaded, &form.typed_reason(), parts.config.sms_price);
    let reopening = reopening(&loaded, &supervision.reopen_reason, parts.config.sms_price);
    let offered = |act: ApplicationAct| act.is_offered(actor.role, application.kind, application.status);
    let page_data = DetailPage {
        chrome: Chrome::new(actor, session, Menu::Applications),
        list: list_key(&shown.list),
        verdict: evidence.verdict(),
        declared_name: diff_syllables(
            application.declaration.name.as_str(),
            evidence.member.as_ref().map_or(application.declaration.name.as_str(), |member| member.name.as_str()),
        ),
        registered_name: evidence
            .member
            .as_ref()
            .map(|member| diff_syllables(member.name.as_str(), application.declaration.name.as_str()))
            .unwrap_or_default(),
        differences: evidence
            .member
            .as_ref()
            .map(|member| Differences::between(&application.declaration, member))
            .unwrap_or_default(),
        deadline: DeadlineState::of(application.due_at, application.decided_at, now),
        left: time_left(application.status, application.due_at, now),
        may_assess: offered(ApplicationAct::Assess),
        may_replace_photo: offered(ApplicationAct::ReplacePhoto),
        may_receive: offered(ApplicationAct::Receive) && application.received_at.is_none(),
        may_reopen: offered(ApplicationAct::Reopen),
        may_move: offered(ApplicationAct::Move) && loaded.offices.len() > 1,
        changes: changes(&loaded),
        asked,
        supervision,
        approval: match evidence.own_account().filter(|own| own.state != AccountState::Closed) {
            // What was granted before is only opened again; a lock that a desk has set stays.
            Some(own) if own.lock_cause == Some(LockCause::Desk) => String::new(),
            Some(own) => notice::unlocked(&loaded.texts, own.code()).sms,
            None => message::approved(
                &loaded.texts,
                number,
                application.declaration.code.as_str(),
                Place::Password.sample(),
            ),
        },
        preview: if shown.errors.of("reason").is_some() { preview.without_faults() } else { preview },
        reopening: if shown.errors.of("reopen_reason").is_some() { reopening.without_faults() } else { reopening },
        obstacle,
        form,
        errors: shown.errors,
        refusal,
        loaded,
    };
    let response = page(&page_data, shown.status)?;
    if !looked {
        note_look(parts, actor, id, request).await?;
    }
    Ok(response)
}

/// What a rejection for this reason tells.
pub fn rejection(loaded: &Loaded, reason: &str, price: Option<u32>) -> Preview {
    let number = loaded.evidence.application.number.as_str();
    Preview::of_reason(&loaded.texts, TextKey::Rejected, &[(Place::Number, number)], reason, price)
}

/// What opening it again for this reason tells, of one that was granted an account.
pub fn reopening(loaded: &Loaded, reason: &str, price: Option<u32>) -> Preview {
    let application = &loaded.evidence.application;
    let known = [(Place::Number, application.number.as_str()), (Place::Account, application.declaration.code.as_str())];
    Preview::of_reason(&loaded.texts, TextKey::LockedForReview, &known, reason, price)
}

/// Whether the latest event is this person's own look, a moment ago.
pub fn just_looked(events: &[Event], actor: &Actor, now: NaiveDateTime) -> bool {
    events.first().is_some_and(|last| {
        matches!(last.kind, EventKind::Viewed | EventKind::AccountViewed)
            && last.staff_id == Some(actor.id)
            && now - last.at < SAME_LOOK
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct At {
    pub list: String,
}

pub async fn get(
    request: HttpRequest,
    person: Allowed<SeeApplications>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
    at: web::Query<At>,
) -> Result<HttpResponse, AppError> {
    let id = ApplicationId(path.into_inner());
    // What was typed may be of either form.
    let (typed, expired) = session
        .take_draft::<serde_json::Value>(request.path())
        .map_or((None, false), |(typed, expired)| (Some(typed), expired));
    let form: Option<Form> = typed.clone().and_then(|typed| serde_json::from_value(typed).ok());
    let supervision = typed.and_then(|typed| serde_json::from_value(typed).ok()).unwrap_or_default();
    let refusal = expired.then(|| {
        "Phiên trước đã kết thúc khi bạn gửi. Nội dung đã nhập được giữ lại, hãy xem lại rồi ghi nhận.".to_owned()
    });
    let list = form.as_ref().map_or_else(|| at.list.clone(), |form| form.list.clone());
    let shown = Shown { list, form, supervision, refusal, ..Shown::default() };
    show(&request, &person, &session, &parts, id, shown).await
}

/// `GET` of an address to which the page posts: what a browser asks for again after a refusal.
pub async fn back(path: web::Path<i64>) -> HttpResponse {
    see_other(&format!("/applications/{}", path.into_inner()))
}
