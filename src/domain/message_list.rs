//! What is asked of the list of messages, and what an admin sees of a recipient.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::delivery::MessageState;
use super::filter::PAGE_SIZES;
use super::ids::AgencyId;
use super::outbox::{MessageChannel, MessageKind};

/// A filter, already parsed. Its `Default` shows everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    pub standing: Option<Standing>,
    pub channel: Option<MessageChannel>,
    pub kind: Option<MessageKind>,
    pub agency: Option<AgencyId>,
    /// Days on Hanoi's calendar, both included.
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
    /// Only what the asking person's own acts brought about.
    pub mine: bool,
    pub size: u32,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            standing: None,
            channel: None,
            kind: None,
            agency: None,
            from: None,
            to: None,
            mine: false,
            size: PAGE_SIZES[0],
        }
    }
}

/// A choice of *Tình trạng*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// Did not arrive, for good, and a person has not done anything about it yet.
    Trouble,
    In(MessageState),
}

impl Standing {
    pub fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Trouble).chain(MessageState::ALL.iter().copied().map(Self::In))
    }

    pub fn code(self) -> &'static str {
        match self {
            Self::Trouble => "trouble",
            Self::In(state) => state.code(),
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Trouble => "Cần xử lý",
            Self::In(state) => state.label(),
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::all().find(|standing| standing.code() == code)
    }
}

/// A recipient as somebody sees it who runs the gateways: enough to recognise one's own, not to call a citizen.
pub fn masked(channel: MessageChannel, recipient: &str) -> String {
    match (channel, recipient.split_once('@')) {
        (_, None) if recipient.is_empty() => String::new(),
        (MessageChannel::Email, Some((name, domain))) => {
            format!("{}***@{domain}", name.chars().next().map(String::from).unwrap_or_default())
        }
        _ => {
            let shown = recipient.chars().count().saturating_sub(4).max(1);
            format!("******{}", recipient.chars().skip(shown).collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_admin_sees_four_digits_or_one_letter() {
        assert_eq!(masked(MessageChannel::Sms, "0901234567"), "******4567");
        assert_eq!(masked(MessageChannel::Email, "an.nguyen@example.vn"), "a***@example.vn");
        assert_eq!(masked(MessageChannel::Sms, ""), "", "erased");
        assert_eq!(masked(MessageChannel::Sms, "123"), "******23");
    }

    #[test]
    fn every_choice_of_the_filter_has_a_name_of_its_own() {
        for standing in Standing::all() {
            assert_eq!(Standing::from_code(standing.code()), Some(standing));
        }
        assert_eq!(Standing::from_code("nothing"), None);
    }
}
