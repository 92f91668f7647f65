//! Permission in the handler's signature: a handler that takes [`Allowed<Assess>`] runs only for somebody who may assess.

use std::marker::PhantomData;
use std::ops::Deref;

use actix_web::{FromRequest, HttpRequest, dev::Payload};

use super::session::TypedSession;
use crate::domain::permission::{Action, Actor};
use crate::error::AppError;

/// An action as a type.
pub trait Permission {
    const ACTION: Action;
}

macro_rules! permissions {
    ($($name:ident),+ $(,)?) => {$(
        pub struct $name;
        impl Permission for $name {
            const ACTION: Action = Action::$name;
        }
    )+};
}

permissions!(
    SeeApplications,
    EnterApplication,
    ReplacePhoto,
    Assess,
    Reopen,
    Move,
    SeeAccounts,
    ActOnAccount,
    SeeMessages,
    ResendMessage,
    SeeQueue,
    TestGateway,
    ManageStaff,
    ManageHolidays,
    ManageTexts,
    ManageApiKeys,
    ManageRegistry,
    Import,
    Invite,
    SeeReports,
    Export,
    SetTargets,
    ChangeOwnPassword
);

/// The signed-in person, who may do this.
pub struct Allowed<P> {
    actor: Actor,
    permission: PhantomData<P>,
}

impl<P> Deref for Allowed<P> {
    type Target = Actor;

    fn deref(&self) -> &Actor {
        &self.actor
    }
}

impl<P: Permission> FromRequest for Allowed<P> {
    type Error = AppError;
    type Future = std::future::Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(match TypedSession::of(request).actor() {
            None => Err(AppError::SignInFirst { next: request.uri().to_string() }),
            Some(actor) if actor.must_change_password && P::ACTION != Action::ChangeOwnPassword => {
                Err(AppError::ChangePasswordFirst)
            }
            Some(actor) if !actor.may(P::ACTION) => Err(AppError::Forbidden),
            Some(actor) => Ok(Self { actor, permission: PhantomData }),
        })
    }
}
