//! One line of `replies.jsonl`: what came back, as it came.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::ReplyKey;
use crate::providers::Usage;

/// A raw reply with where it came from. The body is kept as received (bytes that are no UTF-8 are
/// replaced, and so is the provider's key, should a service echo it); escape sequences are in it, so
/// it passes `text::display_lines` on its way to a terminal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredReply {
    /// The request's key, 64 hexadecimal digits.
    pub key: String,
    /// HTTP status; 200 for embedded models.
    pub status: u16,
    /// When it was written, RFC 3339, UTC.
    pub at: String,
    /// Who answered: `openai:NAME/MODEL`, `local:NAME`.
    pub by: String,
    /// Tokens of the call.
    #[serde(default)]
    pub usage: Usage,
    /// Calls that were sent for the request since its last line, this one included.
    #[serde(default)]
    pub tries: u32,
    /// What was paid for it, where a price is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    /// Set on the last line of a request that got no usable reply: the word for counts. Such a
    /// request is put again by the next attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// The body.
    pub body: String,
}

/// What the index reads of a line.
#[derive(Deserialize)]
pub(super) struct Head<'a> {
    #[serde(borrow)]
    key: &'a str,
    #[serde(default)]
    pub usage: Usage,
    #[serde(default)]
    pub tries: u32,
    #[serde(default)]
    pub cost: Option<f64>,
    #[serde(default)]
    failed: Option<IgnoredAny>,
}

impl Head<'_> {
    pub(super) fn key(&self) -> Option<ReplyKey> {
        self.key.parse().ok()
    }

    pub(super) fn usable_key(&self) -> Option<ReplyKey> {
        if self.failed.is_some() {
            return None;
        }
        self.key.parse().ok()
    }
}
