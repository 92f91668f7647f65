//! *Mẫu tin nhắn*: the words that citizens are sent, kept by admins of the centre for the whole country.

pub mod edit;
pub mod list;
