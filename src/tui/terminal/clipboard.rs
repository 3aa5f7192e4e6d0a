//! Copying through the terminal (OSC 52), so that it works over SSH too.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Most terminals drop longer requests, in bytes of base64.
const LIMIT: usize = 74_994;

/// What became of a copy. No terminal tells whether it took one, so `Sent` is no promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Copied {
    /// Handed to the terminal: so many bytes of text.
    Sent {
        /// Bytes of the text.
        bytes: usize,
    },
    /// Longer than terminals take; nothing was sent.
    TooLong {
        /// Bytes of the text.
        bytes: usize,
        /// Bytes that can be copied.
        limit: usize,
    },
    /// This kind of terminal has no clipboard (its `TERM`); nothing was sent.
    NoClipboard {
        /// The name of the terminal.
        term: String,
    },
    /// The terminal could not be written to.
    Failed(String),
}

impl std::fmt::Display for Copied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sent { bytes } => write!(f, "copied {bytes} bytes"),
            Self::TooLong { bytes, limit } => {
                write!(f, "not copied: {bytes} bytes, terminals take at most {limit}; export it")
            }
            Self::NoClipboard { term } => {
                write!(f, "not copied: a terminal `{term}` has no clipboard; export it")
            }
            Self::Failed(why) => write!(f, "not copied: {why}"),
        }
    }
}

/// The request to copy a text, wrapped for tmux where we are inside; or why it is refused.
pub(super) fn request(text: &str, get: impl Fn(&str) -> Option<String>) -> Result<Vec<u8>, Copied> {
    let term = get("TERM").unwrap_or_default();
    let tmux = get("TMUX").is_some_and(|v| !v.is_empty());
    let gnu_screen = !tmux && get("STY").is_some_and(|v| !v.is_empty());
    if gnu_screen || ["", "dumb", "linux"].contains(&term.as_str()) {
        return Err(Copied::NoClipboard { term });
    }
    let encoded = STANDARD.encode(text);
    if encoded.len() > LIMIT {
        return Err(Copied::TooLong { bytes: text.len(), limit: LIMIT / 4 * 3 });
    }
    let mut bytes = format!("\x1b]52;c;{encoded}\x07").into_bytes();
    if tmux {
        // The plain one is for tmux's own `set-clipboard on`, the wrapped one for the terminal
        // outside where `allow-passthrough` lets it out. What is not allowed is dropped.
        bytes.extend(format!("\x1bPtmux;\x1b\x1b]52;c;{encoded}\x07\x1b\\").into_bytes());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        |name| pairs.iter().find(|(k, _)| *k == name).map(|(_, v)| (*v).to_owned())
    }

    #[test]
    fn what_cannot_be_copied_is_refused_with_the_reason() {
        let long = "x".repeat(60_000);
        let refused = request(&long, with(&[("TERM", "xterm")])).unwrap_err();
        assert_eq!(refused, Copied::TooLong { bytes: 60_000, limit: 56_244 });
        assert!(refused.to_string().contains("60000"));
        let refused = request("a", with(&[("TERM", "linux")])).unwrap_err();
        assert!(refused.to_string().contains("`linux`"), "{refused}");
        assert!(request("a", with(&[("TERM", "screen"), ("STY", "1.pts")])).is_err());
    }

    #[test]
    fn hostile_text_travels_as_base64_and_tmux_gets_it_wrapped() {
        let plain = request("a\x1b]52;c;eA==\x07", with(&[("TERM", "xterm")])).unwrap();
        assert_eq!(plain, b"\x1b]52;c;YRtdNTI7YztlQT09Bw==\x07");
        let wrapped = request("hi", with(&[("TERM", "tmux-256color"), ("TMUX", "/s")])).unwrap();
        let expected = "\x1b]52;c;aGk=\x07\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\";
        assert_eq!(String::from_utf8(wrapped).unwrap(), expected);
    }
}
