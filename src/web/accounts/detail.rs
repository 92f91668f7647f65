//! One account: whose it is and what belongs to it on the left, what a desk may do with it on the right, the history below.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::NaiveDateTime;

use super::acts::Form;
use super::{note, within_reach};
use crate::clock;
use crate::db::account_acts::{self, Stopped};
use crate::db::account_list::{self, Filing, Ward};
use crate::db::events::Event;
use crate::db::message_list::{self, Told};
use crate::db::photos::Photo;
use crate::db::{Conn, accounts, events, photos, texts};
use crate::domain::account::{Account, AccountAct, AccountState};
use crate::domain::application::{PhotoKind, Sex};
use crate::domain::change::{self, Changeable};
use crate::domain::event::{self, EventKind};
use crate::domain::ids::AccountId;
use crate::domain::permission::{Action, Actor};
use crate::domain::places;
use crate::domain::refusal::Refusal;
use crate::domain::texts::{Place, Texts};
use crate::error::AppError;
use crate::startup::Parts;
use crate::web::allowed::{Allowed, SeeAccounts};
use crate::web::applications::detail::{At, just_looked, list_key};
use crate::web::applications::photos::as_answer;
use crate::web::preview::Preview;
use crate::web::session::TypedSession;
use crate::web::{Chrome, Errors, Menu, address, page};

/// How much of the history, and how many messages, the page shows.
const EVENTS: i64 = 200;
const MESSAGES: i64 = 20;

/// All that the page shows of an account, as it was at one moment.
struct Loaded {
    account: Account,
    portrait: Option<Photo>,
    filings: Vec<Filing>,
    /// Whether this person may open the guardian's account.
    opens_guardian: bool,
    wards: Vec<Ward>,
    all_wards: i64,
    sharing: (i64, i64),
    messages: Vec<Told>,
    /// The words that citizens are sent.
    texts: Texts,
    events: Vec<Event>,
    /// What stands in the way of each act.
    obstacles: Vec<(AccountAct, Option<Refusal>)>,
}

fn load(conn: &mut Conn, actor: &Actor, id: AccountId, now: NaiveDateTime) -> Result<Loaded, AppError> {
    let account = within_reach(conn, actor, id, now)?;
    let (scope, code) = (actor.scope(), account.holder.code.clone());
    let opens_guardian = match &account.guardian {
        Some(guardian) => accounts::find_for(conn, actor, guardian.id, now)?.is_some(),
        None => false,
    };
    let mut obstacles = Vec::new();
    for act in AccountAct::ALL {
        let obstacle = match account_acts::possible(conn, &account, *act, now) {
            Ok(()) => None,
            Err(Stopped::Refused(refusal)) => Some(refusal),
            Err(Stopped::Database(error)) => return Err(error.into()),
        };
        obstacles.push((*act, obstacle));
    }
    let (wards, all_wards) = account_list::wards(conn, scope, &code)?;
    Ok(Loaded {
        portrait: photos::of_account(conn, &code)?.into_iter().find(|photo| photo.kind == PhotoKind::Portrait),
        filings: account_list::filings(conn, scope, &code)?,
        opens_guardian,
        wards,
        all_wards,
        sharing: accounts::sharing(conn, &account.holder)?,
        messages: message_list::told_of_account(conn, id, MESSAGES)?,
        texts: texts::current(conn)?,
        events: events::of_account(conn, id, EVENTS)?,
        obstacles,
        account,
    })
}

/// One act as the page offers it.
struct Panel {
    act: AccountAct,
    obstacle: Option<Refusal>,
    /// It was tried, and is shown with what was typed.
    open: bool,
    form: Form,
    /// What the holder is told, when they are told the reason.
    preview: Option<Preview>,
}

#[derive(Template)]
#[template(path = "accounts/detail.html")]
struct DetailPage {
    chrome: Chrome,
    list: String,
    loaded: Loaded,
    panels: Vec<Panel>,
    may_act: bool,
    errors: Errors,
    /// What stood in the way of an act, or what somebody else did meanwhile.
    refusal: Option<String>,
    now: NaiveDateTime,
}

impl DetailPage {
    /// The list as it was filtered.
    fn back(&self) -> String {
        if self.list.is_empty() { "/accounts".into() } else { format!("/accounts?list={}", self.list) }
    }

    /// The address of this very page.
    fn here(&self) -> String {
        format!("/accounts/{}?list={}", self.loaded.account.id, self.list)
    }

    fn words(&self, field: Changeable) -> String {
        change::words(&self.loaded.account.holder, field)
    }

    /// What is wrong beside a field of this panel.
    fn fault(&self, panel: &Panel, field: &str) -> Option<&str> {
        self.errors.of(field).filter(|_| panel.open)
    }

    fn days_since(&self, at: &NaiveDateTime) -> i64 {
        (self.now - *at).num_days()
    }

    fn describe(event: &Event) -> Vec<String> {
        event::describe(event.before.as_deref(), event.after.as_deref())
    }
}

/// What the page shows besides the account itself.
#[derive(Default)]
pub struct Shown {
    pub list: String,
    /// The act that was tried, and what was typed.
    pub tried: Option<(AccountAct, Form)>,
    pub errors: Errors,
    pub refusal: Option<String>,
    pub status: StatusCode,
}

/// The page, and that this person looked at it.
pub async fn show(
    request: &HttpRequest,
    actor: &Actor,
    session: &TypedSession,
    parts: &Parts,
    id: AccountId,
    shown: Shown,
) -> Result<HttpResponse, AppError> {
    let (person, now) = (actor.clone(), clock::now());
    let mut loaded = parts.read(move |conn| load(conn, &person, id, now)).await?;
    let looked = just_looked(&loaded.events, actor, now);
    let may_act = actor.role.may(Action::ActOnAccount);
    let mut refusal = shown.refusal;
    let account = &loaded.account;
    let panels = std::mem::take(&mut loaded.obstacles)
        .into_iter()
        .filter(|_| may_act)
        .map(|(act, obstacle)| {
            let typed = shown.tried.as_ref().filter(|(tried, _)| *tried == act).map(|(_, form)| form.clone());
            let open = typed.is_some();
            let mut form = typed.unwrap_or_else(|| Form::of(account));
            if open && form.version() != account.version {
                // What was checked was checked on what is no longer there.
                refusal.get_or_insert_with(|| CHANGED.to_owned());
                form = form.unchecked();
            }
            // The form that is shown speaks of what is shown.
            form.version = account.version.to_string();
            let preview = telling(account, act, &loaded.texts, &form.typed_reason(), parts.config.sms_price);
            let preview = if open && !shown.errors.is_empty() { preview.map(Preview::without_faults) } else { preview };
            Panel { act, obstacle, open, form, preview }
        })
        .collect();
    let page_data = DetailPage {
        chrome: Chrome::new(actor, session, Menu::Accounts),
        list: list_key(&shown.list),
        loaded,
        panels,
        may_act,
        errors: shown.errors,
        refusal,
        now,
    };
    let response = page(&page_data, shown.status)?;
    if !looked {
        let (by, address) = (actor.id, address(request));
        parts.note(move |conn| note(conn, EventKind::AccountViewed, id, by, &address, now)).await?;
    }
    Ok(response)
}

/// What the holder is told of this act for this reason; None when they are not told the reason.
pub fn telling(account: &Account, act: AccountAct, texts: &Texts, reason: &str, price: Option<u32>) -> Option<Preview> {
    Some(Preview::of_reason(texts, act.told_in()?, &[(Place::Account, account.code())], reason, price))
}

/// What to tell somebody whose form speaks of the account as it was before.
pub const CHANGED: &str = "Tài khoản đã có thay đổi sau khi bạn mở (xem Lịch sử bên dưới). Hãy xem lại và đánh dấu lại các mục \
     đã kiểm tra rồi thực hiện; nội dung bạn nhập được giữ nguyên.";

/// `GET /accounts/{id}`
pub async fn get(
    request: HttpRequest,
    person: Allowed<SeeAccounts>,
    session: TypedSession,
    parts: web::Data<Parts>,
    path: web::Path<i64>,
    at: web::Query<At>,
) -> Result<HttpResponse, AppError> {
    let id = AccountId(path.into_inner());
    let draft = session.take_draft::<Form>(request.path()).map(|(form, _)| form);
    let tried = draft.and_then(|form| Some((AccountAct::from_code(&form.act)?, form)));
    let refusal = tried.is_some().then(|| {
        "Phiên trước đã kết thúc khi bạn gửi. Nội dung đã nhập được giữ lại, hãy xem lại rồi thực hiện.".to_owned()
    });
    let list = tried.as_ref().map_or_else(|| at.list.clone(), |(_, form)| form.list.clone());
    let shown = Shown { list, tried, refusal, ..Shown::default() };
    show(&request, &person, &session, &parts, id, shown).await
}

/// `GET /accounts/{id}/photos/{photo}`
pub async fn photo(
    person: Allowed<SeeAccounts>,
    parts: web::Data<Parts>,
    path: web::Path<(i64, i64)>,
) -> Result<HttpResponse, AppError> {
    let (id, photo) = path.into_inner();
    let (actor, store, now) = (person.clone(), parts.photos.clone(), clock::now());
    let jpeg = parts
        .read(move |conn| {
            let account = within_reach(conn, &actor, AccountId(id), now)?;
            let photos = photos::of_account(conn, &account.holder.code)?;
            let photo = photos.iter().find(|known| known.id.0 == photo).ok_or(AppError::NotFound)?;
            Ok(store.load(&photo.sha256)?)
        })
        .await?;
    Ok(as_answer(jpeg))
}
