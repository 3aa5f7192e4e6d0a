//! What headers say about when to come back.

use jiff::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// Waits that a service asks for, in seconds from now.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Waits {
    /// Asked for in so many words (`Retry-After`, `retry-after-ms`).
    pub asked: Option<f64>,
    /// Until a limit that is used up is full again (`x-ratelimit-reset-*` where
    /// `x-ratelimit-remaining-*` is 0).
    pub reset: Option<f64>,
}

/// What is left of a limit, and when it is full again.
const LIMITS: [(&str, &str); 3] = [
    ("x-ratelimit-remaining", "x-ratelimit-reset"),
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
];

impl Waits {
    /// Reads them.
    pub fn read(headers: &HeaderMap, now: Timestamp) -> Self {
        let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::trim);
        let millis = text("retry-after-ms").and_then(number).map(|ms| ms / 1000.0);
        let asked = millis.or_else(|| retry_after(text(RETRY_AFTER.as_str())?, now));
        let mut reset: Option<f64> = None;
        for (remaining, full_at) in LIMITS {
            let used_up = text(remaining).and_then(number);
            if used_up.is_some_and(|left| left < 1.0)
                && let Some(wait) = text(full_at).and_then(|t| span(t, now))
            {
                reset = Some(reset.unwrap_or(0.0).max(wait));
            }
        }
        Self { asked, reset }
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|n: &f64| n.is_finite() && *n >= 0.0)
}

fn until(at: Timestamp, now: Timestamp) -> f64 {
    (at.duration_since(now).as_secs_f64()).max(0.0)
}

/// Seconds, or a date of HTTP.
fn retry_after(text: &str, now: Timestamp) -> Option<f64> {
    number(text).or_else(|| {
        let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        Some(until(at, now))
    })
}

/// `1s`, `6m0s`, `120ms`, `1h2m3.5s`, seconds, seconds or milliseconds since 1970, RFC 3339.
fn span(text: &str, now: Timestamp) -> Option<f64> {
    if let Some(n) = number(text) {
        let now = now.as_millisecond() as f64 / 1000.0;
        return Some(if n > 1e12 {
            (n / 1000.0 - now).max(0.0)
        } else if n > 1e9 {
            (n - now).max(0.0)
        } else {
            n
        });
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(until(at, now));
    }
    if text.is_empty() {
        return None;
    }
    let (mut rest, mut seconds) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let n = number(&rest[..digits])?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        seconds += n * match &rest[..letters] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        rest = &rest[letters..];
    }
    Some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&'static str, &str)]) -> Waits {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        Waits::read(&headers, "2026-11-20T10:00:00Z".parse().unwrap())
    }

    #[test]
    fn seconds_and_dates_are_understood_and_nonsense_is_not() {
        let asked = |v: &str| read(&[("retry-after", v)]).asked;
        assert_eq!(asked("7"), Some(7.0));
        assert_eq!(asked(" 0.5 "), Some(0.5));
        assert_eq!(asked("Fri, 20 Nov 2026 10:00:30 GMT"), Some(30.0));
        assert_eq!(asked("Fri, 20 Nov 2026 09:00:00 GMT"), Some(0.0), "past");
        for bad in ["", "soon", "-1", "NaN", "inf", "Fri, 99 Nov 2026 10:00:30 GMT"] {
            assert_eq!(asked(bad), None, "{bad}");
        }
        assert_eq!(read(&[("retry-after-ms", "250"), ("retry-after", "1")]).asked, Some(0.25));
    }

    #[test]
    fn a_limit_that_is_used_up_says_when_it_is_full_again() {
        let reset = |left: &str, at: &str| {
            read(&[("x-ratelimit-remaining-requests", left), ("x-ratelimit-reset-requests", at)])
                .reset
        };
        for (text, seconds) in [
            ("1s", 1.0),
            ("6m0s", 360.0),
            ("120ms", 0.12),
            ("1h2m3.5s", 3723.5),
            ("30", 30.0),
            ("1795168860", 60.0),
            ("1795168860000", 60.0),
            ("2026-11-20T10:00:05Z", 5.0),
        ] {
            assert_eq!(reset("0", text), Some(seconds), "{text}");
        }
        assert_eq!(reset("5", "6m0s"), None, "some are left");
        for bad in ["", "x", "1x", "s", "1.2.3s"] {
            assert_eq!(reset("0", bad), None, "{bad}");
        }
        let both = read(&[
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "1s"),
            ("x-ratelimit-remaining-tokens", "0"),
            ("x-ratelimit-reset-tokens", "9s"),
        ]);
        assert_eq!(both.reset, Some(9.0));
    }
}
