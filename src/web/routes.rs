//! The whole URL table; `api` has the one of `/api`.

use std::sync::Arc;

use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig, get, post};

use super::accounts::{acts as account_acts, detail as account, list as accounts, receive};
use super::applications::{assess, detail, enter, form, list, photos, supervise};
use super::exports::{self, download as export_file};
use super::imports::{acts, detail as import, downloads, list as imports, progress, rollback};
use super::messages::{detail as message, health, list as messages, resend};
use super::reports::{figure, list as figures, page as report};
use super::texts::{edit as text, list as texts};
use super::{
    api, api_keys, assets, guard, holidays, invitations, overview, password, receipts, registry, session, sign_in,
    staff, subscriptions, targets,
};
use crate::error::AppError;
use crate::startup::Parts;

pub fn routes(app: &mut ServiceConfig, parts: &Arc<Parts>) {
    app
        // Neither session nor sign-in.
        .route("/healthz", get().to(guard::healthz))
        .route("/readyz", get().to(guard::readyz))
        .route("/static/{version}/{name}", get().to(assets::get))
        .service(web::resource(receipts::PATH).route(get().to(receipts::receive)).route(post().to(receipts::receive)))
        // Keys instead of sessions.
        .service(api::scope())
        .service(
            web::scope("")
                .wrap(from_fn(guard::screen))
                .wrap(session::middleware(parts))
                .app_data(
                    web::FormConfig::default()
                        .limit(guard::FORM_BYTES)
                        .error_handler(|_, _| AppError::Malformed.into()),
                )
                .app_data(photos::config())
                .app_data(web::PathConfig::default().error_handler(|_, _| AppError::NotFound.into()))
                .app_data(web::QueryConfig::default().error_handler(|_, _| AppError::Malformed.into()))
                .route("/", get().to(sign_in::home))
                .route(sign_in::PATH, get().to(sign_in::get))
                .route(sign_in::PATH, post().to(sign_in::post))
                .route("/sign-out", post().to(sign_in::sign_out))
                .route("/password", get().to(password::get))
                .route("/password", post().to(password::post))
                // Tổng quan
                .route("/overview", get().to(overview::get))
                // Báo cáo
                .route(report::PATH, get().to(report::choose))
                .route(figure::PATH, get().to(figures::get))
                .route("/reports/{kind}.{format}", get().to(report::file))
                .route("/reports/{kind}", get().to(report::get))
                // Chỉ tiêu
                .route(targets::PATH, get().to(targets::get))
                .route(targets::PATH, post().to(targets::post))
                // Hồ sơ ĐK GDĐT → Cá nhân
                .route("/applications", get().to(list::get))
                .route("/applications/search", post().to(list::search))
                .route("/applications/next", get().to(list::next))
                .route("/applications/new", get().to(enter::get))
                .route("/applications/new", post().to(enter::post))
                .route("/applications/{id}", get().to(detail::get))
                .route("/applications/{id}/form", get().to(form::get))
                .route("/applications/{id}/assessment", post().to(assess::post))
                .route("/applications/{id}/assessment", get().to(detail::back))
                .route("/applications/{id}/preview", post().to(assess::preview))
                .route("/applications/{id}/preview", get().to(detail::back))
                .route("/applications/{id}/recheck", post().to(assess::recheck))
                .route("/applications/{id}/receive", post().to(assess::receive))
                .route("/applications/{id}/receive", get().to(detail::back))
                .route("/applications/{id}/reopen", post().to(supervise::reopen))
                .route("/applications/{id}/reopen", get().to(detail::back))
                .route("/applications/{id}/reopen/preview", post().to(supervise::preview))
                .route("/applications/{id}/reopen/preview", get().to(detail::back))
                .route("/applications/{id}/move", post().to(supervise::hand_over))
                .route("/applications/{id}/move", get().to(detail::back))
                .route("/applications/{id}/photos", post().to(photos::post))
                .route("/applications/{id}/photos/{photo}", get().to(photos::get))
                .route("/applications/{id}/photos/{photo}/restore", post().to(photos::restore))
                .route("/places/{province}", get().to(enter::communes))
                // Tài khoản
                .route("/accounts", get().to(accounts::get))
                .route("/accounts/search", post().to(accounts::search))
                .route("/accounts/receive", post().to(receive::post))
                .route("/accounts/receive", get().to(receive::back))
                .route("/accounts/{id}", get().to(account::get))
                .route("/accounts/{id}/photos/{photo}", get().to(account::photo))
                .route("/accounts/{id}/acts/{act}", post().to(account_acts::post))
                .route("/accounts/{id}/acts/{act}", get().to(account_acts::back))
                .route("/accounts/{id}/acts/{act}/preview", post().to(account_acts::preview))
                .route("/accounts/{id}/acts/{act}/preview", get().to(account_acts::back))
                .route("/accounts/{id}/change", get().to(enter::get_change))
                .route("/accounts/{id}/change", post().to(enter::post_change))
                // Tin nhắn
                .route("/messages", get().to(messages::get))
                .route("/messages/search", post().to(messages::search))
                .route("/messages/mine", get().to(messages::mine))
                .route("/messages/trouble", get().to(messages::trouble))
                .route("/messages/health", get().to(health::get))
                .route("/messages/test", post().to(health::test))
                .route("/messages/test", get().to(health::back))
                .route("/messages/{id}", get().to(message::get))
                .route("/messages/{id}/resend", post().to(resend::post))
                .route("/messages/{id}/resend", get().to(resend::back))
                .route("/messages/{id}/settle", post().to(resend::settle))
                .route("/messages/{id}/settle", get().to(resend::back))
                // Mời cài đặt VssID
                .route("/invitations", get().to(invitations::get))
                .route("/invitations", post().to(invitations::post))
                .route("/invitations/{id}/stop", post().to(invitations::stop))
                // Cán bộ
                .route("/staff", get().to(staff::get))
                .route("/staff", post().to(staff::post))
                .route("/staff/first-passwords", post().to(staff::first_passwords))
                .route("/staff/{id}/{act}", post().to(staff::act))
                // Khóa kết nối
                .route("/api-keys", get().to(api_keys::get))
                .route("/api-keys", post().to(api_keys::post))
                .route("/api-keys/{id}/revoke", post().to(api_keys::revoke))
                // Danh bạ HGĐ
                .route("/registry", get().to(registry::get))
                .route("/registry/search", post().to(registry::search))
                .route("/registry/export", post().to(registry::export))
                // Ngày nghỉ
                .route("/holidays", get().to(holidays::get))
                .route("/holidays", post().to(holidays::post))
                .route("/holidays/remove", post().to(holidays::remove))
                // Mẫu tin nhắn
                .route("/texts", get().to(texts::get))
                .route("/texts/{key}", get().to(text::get))
                .route("/texts/{key}", post().to(text::post))
                .route("/texts/{key}/preview", post().to(text::preview))
                .route("/texts/{key}/preview", get().to(text::back))
                .route("/texts/{key}/fold", post().to(text::fold))
                .route("/texts/{key}/fold", get().to(text::back))
                .route("/texts/{key}/again", post().to(text::again))
                .route("/texts/{key}/again", get().to(text::back))
                // Tệp đã xuất, báo cáo qua e-mail
                .route("/exports", get().to(exports::get))
                .route("/exports", post().to(exports::post))
                .route("/exports/{id}", get().to(exports::detail))
                .route("/exports/{id}/progress", get().to(exports::progress))
                .route("/exports/{id}/file", get().to(export_file::get))
                .route("/exports/{id}/cancel", post().to(exports::cancel))
                .route("/exports/{id}/cancel", get().to(exports::back))
                .route("/subscriptions", get().to(subscriptions::get))
                .route("/subscriptions", post().to(subscriptions::post))
                .route("/subscriptions/{id}/stop", post().to(subscriptions::stop))
                // Nhập từ Excel
                .service(
                    imports::configure(web::resource(super::imports::PATH), parts)
                        .route(get().to(imports::get))
                        .route(post().to(imports::post)),
                )
                .route("/imports/{id}", get().to(import::get))
                .route("/imports/{id}/progress", get().to(progress::get))
                .route("/imports/{id}/read", post().to(acts::read))
                .route("/imports/{id}/read", get().to(acts::back))
                .route("/imports/{id}/layout", post().to(acts::layout))
                .route("/imports/{id}/layout", get().to(acts::back))
                .route("/imports/{id}/apply", post().to(acts::apply))
                .route("/imports/{id}/apply", get().to(acts::back))
                .route("/imports/{id}/cancel", post().to(acts::cancel))
                .route("/imports/{id}/cancel", get().to(acts::back))
                .route("/imports/{id}/rollback", get().to(rollback::get))
                .route("/imports/{id}/rollback", post().to(acts::roll_back))
                .route("/imports/{id}/refused.xlsx", get().to(downloads::refused))
                .route("/imports/{id}/report.xlsx", get().to(downloads::report))
                .route("/imports/{id}/report.json", get().to(downloads::report_json))
                .default_service(web::to(unknown)),
        );
}

async fn unknown() -> Result<actix_web::HttpResponse, AppError> {
    Err(AppError::NotFound)
}
