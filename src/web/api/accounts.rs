//! `/api/v1/accounts`: how the app and the portal let a citizen in and change a password (PHỤ LỤC 01, 1.1 to 1.4). Whoever has
//! no right password learns nothing, neither from the answer nor from its time.

use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, web};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa::ToSchema;

use super::call::{Accounts, Call};
use super::problem::{Problem, Refused};
use super::proof::{Otp, Proven, judge_otp, prove, still_proven};
use crate::db::{citizens, credentials};
use crate::domain::account::OtpPurpose;
use crate::domain::citizen::{self, ChangeFirst, Device, OTP_SECONDS, Password, must_change};
use crate::domain::declaration::Faults;
use crate::domain::ids::{AccountId, OtpId};
use crate::domain::numbers::SocialCode;
use crate::domain::text::FieldError;
use crate::startup::Parts;

/// No answer leaves sooner after its call came in: comparing a password takes less, whether or not there is an account.
pub const ANSWER_AFTER: Duration = Duration::from_millis(250);

/// Around every call about an account.
pub async fn answer_in_its_time(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let not_before = Instant::now() + ANSWER_AFTER;
    let answer = next.call(request).await;
    tokio::time::sleep_until(not_before).await;
    answer
}

/// Gathers what is wrong with the fields of a body.
#[derive(Default)]
struct Reading(Faults);

impl Reading {
    fn take<T>(&mut self, field: &'static str, parsed: Result<T, FieldError>) -> Option<T> {
        parsed.map_err(|fault| self.0.push((field, fault))).ok()
    }

    fn device(&mut self, given: Option<&str>) -> Option<Device> {
        given.and_then(|device| self.take("device", Device::parse(device)))
    }

    /// What must be given and has no text that could be empty.
    fn require<T>(&mut self, field: &'static str, value: Option<T>) -> Option<T> {
        self.take(field, value.ok_or_else(|| FieldError::new("Bắt buộc nhập.")))
    }

    /// What the call is told when something could not be read.
    fn fail(self) -> Problem {
        Problem::Invalid(self.0)
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// The mã số BHXH: 10 or 12 digits.
    #[serde(default)]
    #[schema(required = true, example = "9900000001")]
    account: String,
    #[serde(default)]
    #[schema(required = true, max_length = 128)]
    password: String,
    /// What the client calls the device: a random name of its own making, the same at every call.
    #[serde(default)]
    #[schema(required = true, min_length = 16, max_length = 128)]
    device: String,
    /// The one-time password that signs a second device in, and its id.
    #[schema(pattern = "^[0-9]{6}$")]
    otp: Option<String>,
    otp_id: Option<i64>,
}

#[derive(Serialize, ToSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Verified {
    SignedIn {
        /// Whether another device was signed in until now.
        ended_device: bool,
    },
    /// Another device is signed in: warn, and if the citizen goes on ask for a one-time password (`/otp`, purpose `device`).
    OtpRequired,
    /// Nobody is signed in: change the password first (`/password`).
    ChangePassword {
        #[schema(value_type = String, pattern = "^(first_sign_in|expired)$")]
        why: ChangeFirst,
    },
}

/// Signs a citizen in on a device.
#[utoipa::path(
    post,
    path = "/api/v1/accounts/verify",
    request_body = Verify,
    responses((status = 200, body = Verified, description = "The password is right"), Refused)
)]
pub async fn verify(call: Call<Accounts, Verify>, parts: web::Data<Parts>) -> Result<HttpResponse, Problem> {
    let Call { body, stamp, .. } = call;
    let mut reading = Reading::default();
    let account = reading.take("account", SocialCode::parse(&body.account));
    let password = reading.take("password", Password::parse(&body.password));
    let device = reading.take("device", Device::parse(&body.device));
    let otp = match (&body.otp, body.otp_id) {
        (None, None) => Some(None),
        (digits, id) => {
            let digits = reading.take("otp", citizen::parse_otp(digits.as_deref().unwrap_or_default()));
            let id = reading.require("otp_id", id);
            digits.zip(id).map(|(digits, id)| Some(Otp { id: OtpId(id), digits }))
        }
    };
    let (Some(account), Some(password), Some(device), Some(otp)) = (account, password, device, otp) else {
        return Err(reading.fail());
    };

    /// What the right password leads to.
    enum Next {
        Answer(Verified),
        AnotherDevice { id: AccountId, hashes: String },
    }
    let months = parts.config.password_months;
    let (here, at) = (device.clone(), stamp.clone());
    let next = prove(&parts, &stamp, (account, password), move |conn, Proven { account, hashes }| {
        if let Some(why) = must_change(account.must_change_password, account.password_set_at, months, at.at) {
            return Ok(Ok(Next::Answer(Verified::ChangePassword { why })));
        }
        let active = credentials::device(conn, account.id)?;
        if active.is_some_and(|active| active != here.hash()) {
            return Ok(Ok(Next::AnotherDevice { id: account.id, hashes }));
        }
        let ended_device = citizens::sign_in(conn, account.id, &here, &at)?;
        Ok(Ok(Next::Answer(Verified::SignedIn { ended_device })))
    })
    .await?;
    let verified = match (next, otp) {
        (Next::Answer(verified), _) => verified,
        (Next::AnotherDevice { .. }, None) => Verified::OtpRequired,
        (Next::AnotherDevice { id, hashes }, Some(otp)) => {
            let otp = judge_otp(&parts, otp, id, (OtpPurpose::Device, Some(device.clone())), &stamp).await?;
            parts
                .note(move |conn| {
                    still_proven(conn, id, hashes, |conn, _| {
                        if !credentials::use_otp(conn, (otp, id), OtpPurpose::Device, stamp.at)? {
                            return Ok(Err(Problem::WrongOtp));
                        }
                        let ended_device = citizens::sign_in(conn, id, &device, &stamp)?;
                        Ok(Ok(Verified::SignedIn { ended_device }))
                    })
                })
                .await??
        }
    };
    Ok(HttpResponse::Ok().json(verified))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskOtp {
    /// The mã số BHXH: 10 or 12 digits.
    #[serde(default)]
    #[schema(required = true, example = "9900000001")]
    account: String,
    #[serde(default)]
    #[schema(required = true, max_length = 128)]
    password: String,
    /// `password` to change the password, `device` to sign a second device in.
    #[serde(default)]
    #[schema(required = true, pattern = "^(password|device)$")]
    purpose: String,
    /// Required for `device`. The one-time password is good for this device only.
    #[schema(min_length = 16, max_length = 128)]
    device: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct AskedOtp {
    /// To be given back with the digits.
    #[schema(value_type = i64)]
    otp_id: OtpId,
    /// Seconds.
    #[schema(example = 300)]
    expires_in: i64,
    /// The end of the telephone number that it goes to.
    #[schema(example = "******4567")]
    sent_to: String,
}

/// Sends a one-time password to the registered telephone: one a minute, five an hour. Those before it are void.
#[utoipa::path(
    post,
    path = "/api/v1/accounts/otp",
    request_body = AskOtp,
    responses((status = 202, body = AskedOtp, description = "It is on its way"), Refused)
)]
pub async fn otp(call: Call<Accounts, AskOtp>, parts: web::Data<Parts>) -> Result<HttpResponse, Problem> {
    let Call { body, stamp, .. } = call;
    let mut reading = Reading::default();
    let account = reading.take("account", SocialCode::parse(&body.account));
    let password = reading.take("password", Password::parse(&body.password));
    let purpose = OtpPurpose::from_code(&body.purpose).ok_or_else(|| FieldError::new("Chọn password hoặc device."));
    let purpose = reading.take("purpose", purpose);
    let device = reading.device(body.device.as_deref());
    if purpose == Some(OtpPurpose::Device) {
        reading.require("device", body.device.as_ref());
    }
    let (Some(account), Some(password), Some(purpose), true) = (account, password, purpose, reading.0.is_empty())
    else {
        return Err(reading.fail());
    };
    let at = stamp.clone();
    let asked = prove(&parts, &stamp, (account, password), move |conn, Proven { account, .. }| {
        let otp_id = match citizens::ask_otp(conn, &account, purpose, device.as_ref(), &at)? {
            Ok(otp_id) => otp_id,
            Err(wait) => return Ok(Err(Problem::TooMany(wait.to_std().unwrap_or_default()))),
        };
        let sent_to = citizen::masked(account.notice_phone());
        Ok(Ok(AskedOtp { otp_id, expires_in: OTP_SECONDS, sent_to }))
    })
    .await?;
    Ok(HttpResponse::Accepted().json(asked))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// The mã số BHXH: 10 or 12 digits.
    #[serde(default)]
    #[schema(required = true, example = "9900000001")]
    account: String,
    #[serde(default)]
    #[schema(required = true, max_length = 128)]
    password: String,
    #[serde(default)]
    #[schema(required = true, min_length = 8, max_length = 128)]
    new_password: String,
    #[serde(default)]
    #[schema(required = true, pattern = "^[0-9]{6}$")]
    otp: String,
    #[schema(required = true)]
    otp_id: Option<i64>,
    /// The device that the one-time password was asked for, if any; when it is signed in, it stays so.
    #[schema(min_length = 16, max_length = 128)]
    device: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum ChangedPassword {
    Changed,
}

/// Changes the password, with the old one and a one-time password; ends the sign-in of every other device.
#[utoipa::path(
    post,
    path = "/api/v1/accounts/password",
    request_body = ChangePassword,
    responses((status = 200, body = ChangedPassword, description = "The new password is good from now on"), Refused)
)]
pub async fn password(call: Call<Accounts, ChangePassword>, parts: web::Data<Parts>) -> Result<HttpResponse, Problem> {
    let Call { body, stamp, .. } = call;
    let mut reading = Reading::default();
    let account = reading.take("account", SocialCode::parse(&body.account));
    let password = reading.take("password", Password::parse(&body.password));
    let new = match (&account, &password) {
        (Some(account), Some(old)) => {
            reading.take("new_password", Password::choose(&body.new_password, account.as_str(), old))
        }
        _ => reading.take("new_password", Password::parse(&body.new_password)),
    };
    let digits = reading.take("otp", citizen::parse_otp(&body.otp));
    let otp = reading.require("otp_id", body.otp_id);
    let device = reading.device(body.device.as_deref());
    let (Some(account), Some(password), Some(new), Some(digits), Some(otp), true) =
        (account, password, new, digits, otp.map(OtpId), reading.0.is_empty())
    else {
        return Err(reading.fail());
    };
    let proven = prove(&parts, &stamp, (account, password), |_, proven| Ok(Ok(proven))).await?;
    let (id, hashes) = (proven.account.id, proven.hashes);
    let purpose = (OtpPurpose::Password, device.clone());
    let otp = judge_otp(&parts, Otp { id: otp, digits }, id, purpose, &stamp).await?;
    let hash = parts.hasher.hash(new.into_clear()).await?;
    parts
        .write(move |conn| {
            still_proven(conn, id, hashes, |conn, Proven { account, .. }| {
                let changed = citizens::change_password(conn, &account, otp, &hash, device.as_ref(), &stamp)?;
                Ok(if changed { Ok(()) } else { Err(Problem::WrongOtp) })
            })
        })
        .await??;
    Ok(HttpResponse::Ok().json(ChangedPassword::Changed))
}
