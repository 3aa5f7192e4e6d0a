//! Reading what a model said, defensively: sentences out of numbering, bullets, quotes of all
//! scripts, preambles, JSON with prose around it, code fences, reasoning blocks and cut-off
//! replies. Nothing is invented: every text that comes out stood in the reply, quotes and JSON
//! escapes undone. What cannot be read is a failure with its reason, never a panic.

mod clean;
mod json;
mod lines;
mod pairs;
mod refusal;
mod tidy;

pub use clean::without_reasoning;
pub use json::values as json_values;
pub use pairs::{Synonyms, read_synonyms};
pub use refusal::is_refusal;

use crate::domain::FailReason;
use crate::providers::{ChatReply, Finish};

/// Bytes of a reply that are read; what stands behind them counts as cut off. The longest honest
/// reply to a prompt of ours is a few kilobytes.
const READ: usize = 1 << 20;

/// A sentence, or why it is none.
pub type Item = Result<String, FailReason>;

/// What a reply to "give me n sentences" held.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listed {
    /// In the order of the reply.
    pub items: Vec<Item>,
    /// Why there is nothing, or nothing more, where the reply says.
    pub fault: Option<FailReason>,
}

impl Listed {
    fn fault(reason: FailReason) -> Self {
        Self { items: Vec::new(), fault: Some(reason) }
    }

    /// Exactly `n` outcomes: surplus items are left out, missing ones are failures.
    pub fn exactly(mut self, n: usize) -> Vec<Item> {
        let came = self.items.len();
        let reason = self.fault.unwrap_or(FailReason::TooFew { asked: n, came });
        self.items.resize_with(n, || Err(reason.clone()));
        self.items
    }
}

/// What is left of a reply once reasoning is gone, and whether it ends where the model ended it.
struct Body<'a> {
    text: &'a str,
    cut: bool,
}

fn body(reply: &ChatReply) -> Result<Body<'_>, FailReason> {
    if let Some(refusal) = reply.refusal.as_deref().filter(|r| !r.trim().is_empty()) {
        return Err(refused(refusal));
    }
    if reply.finish == Finish::Filtered {
        return Err(refused("a filter of the service held the reply back"));
    }
    let mut end = reply.text.len().min(READ);
    while !reply.text.is_char_boundary(end) {
        end -= 1;
    }
    let cut = reply.finish == Finish::Length || end < reply.text.len();
    let text = clean::without_reasoning(&reply.text[..end]).trim();
    if text.is_empty() {
        let nothing = if reply.text.trim().is_empty() {
            "the reply is empty"
        } else {
            "nothing but reasoning was said"
        };
        return Err(if cut { FailReason::CutOff } else { unreadable(nothing) });
    }
    if clean::is_html(text) {
        return Err(unreadable("a web page came instead of a reply"));
    }
    Ok(Body { text, cut })
}

fn refused(words: &str) -> FailReason {
    FailReason::Refused { detail: tidy::excerpt(words) }
}

fn unreadable(detail: &str) -> FailReason {
    FailReason::Unreadable { detail: detail.to_owned() }
}

/// The sentences of a reply.
pub fn read_list(reply: &ChatReply) -> Listed {
    let Body { text, cut } = match body(reply) {
        Ok(b) => b,
        Err(fault) => return Listed::fault(fault),
    };
    let (mut items, torn): (Vec<Item>, bool) = if let Some(found) = json::sentences(text) {
        // A torn string was not taken to begin with.
        let bare = |t: &String| tidy::item(lines::without_mark(t));
        (found.items.iter().filter_map(bare).collect(), found.torn)
    } else if refusal::whole(text) {
        return Listed::fault(refused(text));
    } else {
        let found = lines::sentences(text);
        let mut items: Vec<Item> = found.items.iter().filter_map(|t| tidy::item(t)).collect();
        let torn = cut && found.to_the_end;
        if torn {
            items.pop();
        }
        (items, torn)
    };
    if torn {
        items.push(Err(FailReason::CutOff));
    }
    let fault = match (items.is_empty(), cut || torn) {
        (_, true) => Some(FailReason::CutOff),
        (true, false) => Some(unreadable("no sentence was found in the reply")),
        (false, false) => None,
    };
    Listed { items, fault }
}

/// The one text that was asked for (a translation): the first sentence line of the reply.
///
/// # Errors
/// Refused, cut off, empty, or several texts where one was wanted.
pub fn read_one(reply: &ChatReply) -> Item {
    let listed = read_list(reply);
    let n = listed.items.len();
    let mut items = listed.items.into_iter();
    match (items.next(), n) {
        (Some(only), 1) => only,
        (Some(_), n) => Err(unreadable(&format!("one text was asked for and {n} came"))),
        (None, _) => Err(listed.fault.unwrap_or_else(|| unreadable("the reply is empty"))),
    }
}

#[cfg(test)]
mod tests;
