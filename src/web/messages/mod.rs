//! *Tin nhắn*: where each message is on its way, sending one again, and how the queue and the gateways do.

pub mod detail;
pub mod health;
pub mod list;
pub mod resend;

use super::Chrome;
use crate::db::messages::Shown;
use crate::domain::message_list::masked;
use crate::domain::permission::Action;

/// To whom a message goes, as far as this person may know.
fn recipient(chrome: &Chrome, message: &Shown) -> String {
    if chrome.may(Action::SeeApplications) {
        message.recipient.clone()
    } else {
        masked(message.channel, &message.recipient)
    }
}
