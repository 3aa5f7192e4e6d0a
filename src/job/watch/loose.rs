//! Dictionaries as Python prints them and as its `json` writes them: either quote, `nan`, `NaN`,
//! `inf`, `-Infinity`, `None`, `True`. Strict JSON is one case of it.

/// A value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loose<'a> {
    /// A number, NaN and infinities among them.
    Number(f64),
    /// A text, its escapes left as they are.
    Text(&'a str),
    /// `None`, `True`: nothing that is drawn.
    Other,
    /// A dictionary within has ended; the path is the dictionary's.
    End,
}

impl Loose<'_> {
    /// Its number: also of a text that is one, as transformers 5 prints them.
    pub fn number(self) -> Option<f64> {
        match self {
            Self::Number(x) => Some(x),
            Self::Text(t) => word(t.trim()),
            Self::Other | Self::End => None,
        }
    }
}

/// A number as Python or JSON writes it.
fn word(w: &str) -> Option<f64> {
    let first = *w.as_bytes().first()?;
    // Of letters only the words that are numbers: `f64` alone would take more.
    if first.is_ascii_digit() || b"+-.".contains(&first) {
        return w.replace('_', "").parse().ok();
    }
    matches!(w, "nan" | "NaN" | "inf" | "Infinity").then(|| w.parse().ok()).flatten()
}

/// Reads the dictionary at the start of `text`; `each` is told the keys on the way to a value and
/// the value; what stands in a list has an empty key. Gives where it ends; `None` where this is no dictionary.
pub fn read_loose<'a>(text: &'a str, each: &mut dyn FnMut(&[&'a str], Loose<'a>)) -> Option<usize> {
    let mut r = Reader { text, at: 0 };
    let mut path = Vec::new();
    r.dictionary(&mut path, each)?;
    Some(r.at)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

/// Deeper ones are no rows of metrics.
const DEEPEST: usize = 8;

impl<'a> Reader<'a> {
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn eat(&mut self, b: u8) -> Option<()> {
        (self.peek()? == b).then(|| self.at += 1)
    }

    fn string(&mut self) -> Option<&'a str> {
        let quote = self.peek().filter(|q| b"'\"".contains(q))?;
        let from = self.at + 1;
        let bytes = self.text.as_bytes();
        let mut i = from;
        loop {
            match *bytes.get(i)? {
                b'\\' => i += 2,
                b if b == quote => break,
                _ => i += 1,
            }
        }
        self.at = i + 1;
        self.text.get(from..i)
    }

    fn value(
        &mut self,
        path: &mut Vec<&'a str>,
        each: &mut dyn FnMut(&[&'a str], Loose<'a>),
    ) -> Option<()> {
        if path.len() > DEEPEST {
            return None;
        }
        match self.peek()? {
            b'{' => {
                self.dictionary(path, each)?;
                each(path, Loose::End);
                Some(())
            }
            open @ (b'[' | b'(') => {
                self.at += 1;
                let close = if open == b'[' { b']' } else { b')' };
                path.push("");
                while self.peek()? != close {
                    self.value(path, each)?;
                    if self.peek()? == b',' {
                        self.at += 1;
                    }
                }
                path.pop();
                self.at += 1;
                Some(())
            }
            b'\'' | b'"' => {
                let s = self.string()?;
                each(path, Loose::Text(s));
                Some(())
            }
            _ => {
                let rest = &self.text[self.at..];
                let n = rest
                    .bytes()
                    .take_while(|b| b.is_ascii_alphanumeric() || b"+-._".contains(b))
                    .count();
                let w = &rest[..n];
                if n == 0 {
                    return None;
                }
                self.at += n;
                let value = match (word(w), w) {
                    (Some(x), _) => Loose::Number(x),
                    (None, "None" | "True" | "False" | "null" | "true" | "false") => Loose::Other,
                    _ => return None,
                };
                each(path, value);
                Some(())
            }
        }
    }

    fn dictionary(
        &mut self,
        path: &mut Vec<&'a str>,
        each: &mut dyn FnMut(&[&'a str], Loose<'a>),
    ) -> Option<()> {
        self.eat(b'{')?;
        loop {
            if self.peek()? == b'}' {
                self.at += 1;
                return Some(());
            }
            let key = self.string()?;
            self.eat(b':')?;
            path.push(key);
            self.value(path, each)?;
            path.pop();
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => {}
                _ => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn flat(text: &str) -> Option<Vec<(String, Option<f64>)>> {
        let mut out = Vec::new();
        read_loose(text, &mut |k, v| out.push((k.join("."), v.number())))?;
        Some(out)
    }

    #[test]
    fn what_is_no_dictionary_is_none() {
        for bad in ["", "{", "{'a'}", "{'a': }", "{'a': b}", "[1]", "{'a': 1", "{a: 1}", "{'a\\"] {
            assert_eq!(flat(bad), None, "{bad}");
        }
        assert_eq!(flat(&"{'a':".repeat(100)), None);
    }

    #[test]
    fn python_and_json_and_both_kinds_of_nan() {
        let v5 = "{'loss': '2.31', 'grad_norm': 'nan', 'n': 'a1', 'epoch': '1e-05'}";
        let v4 = "{'loss': 2.31, 'grad_norm': nan, 'n': None, 'epoch': -inf}";
        let json = r#"{"loss": 2.31, "grad_norm": NaN, "n": null, "epoch": -Infinity}"#;
        for (text, epoch) in [(v5, 1e-5), (v4, f64::NEG_INFINITY), (json, f64::NEG_INFINITY)] {
            let got = flat(text).unwrap();
            assert_eq!(got[0], ("loss".into(), Some(2.31)));
            assert!(got[1].1.unwrap().is_nan());
            assert_eq!(got[2], ("n".into(), None));
            assert_eq!(got[3].1, Some(epoch));
        }
        let nested =
            r#"{"step": 3, "values": {"loss": 1.5, "x": [1, {"a": 2}]}, "t": (1, 2)} rest"#;
        assert_eq!(flat(nested).unwrap()[1], ("values.loss".into(), Some(1.5)));
        assert_eq!(read_loose(nested, &mut |_, _| ()), Some(nested.len() - 5));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "\\PC{0,40}", dict in "[{}'\":,a1.\\\\\\[\\]() -]{0,40}") {
            let _ = flat(&text);
            let _ = flat(&dict);
        }
    }
}
