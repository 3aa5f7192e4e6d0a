//! Which character parts the columns, by looking at the first lines.

use std::fmt;

/// A column delimiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delimiter {
    /// `,`
    Comma,
    /// `;`, the rule where the comma is a decimal mark.
    Semicolon,
    /// Tabulator.
    Tab,
}

impl Delimiter {
    /// All, most usual first.
    pub const ALL: [Self; 3] = [Self::Comma, Self::Semicolon, Self::Tab];

    /// The byte.
    pub fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }

    /// In words.
    pub fn label(self) -> &'static str {
        match self {
            Self::Comma => "comma",
            Self::Semicolon => "semicolon",
            Self::Tab => "tab",
        }
    }

    /// The delimiter of a text by its first line: the one that makes most columns, outside quotes.
    /// The header decides alone, because later lines may hold any of them in their texts. A single
    /// column is taken as comma separated.
    pub fn sniff(start: &[u8]) -> Self {
        let mut counts = [0usize; 3];
        let mut quoted = false;
        for &b in start {
            match b {
                b'"' => quoted = !quoted,
                b'\n' if !quoted => break,
                _ if quoted => {}
                _ => {
                    if let Some(i) = Self::ALL.iter().position(|d| d.byte() == b) {
                        counts[i] += 1;
                    }
                }
            }
        }
        let most = counts.iter().copied().max().unwrap_or(0);
        Self::ALL.into_iter().zip(counts).find(|&(_, n)| n == most).map_or(Self::Comma, |(d, _)| d)
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_tells_the_delimiter() {
        for (text, expected) in [
            ("a,b,c\n1;2;3;4;5\n", Delimiter::Comma),
            ("a;b;c\n1,5;2,5;3\n", Delimiter::Semicolon),
            ("a\tb\n", Delimiter::Tab),
            ("\"a;b;c;d\",b\n", Delimiter::Comma),
            ("one\n1;2\n", Delimiter::Comma),
            ("", Delimiter::Comma),
        ] {
            assert_eq!(Delimiter::sniff(text.as_bytes()), expected, "{text:?}");
        }
    }
}
