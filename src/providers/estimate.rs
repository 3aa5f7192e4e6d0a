//! What requests will take, said before the start: by counting characters, since the tokenizers of
//! services are theirs. Rough, and rather too high than too low.

use super::budget::Price;
use super::{ChatRequest, Usage};

/// What a batch will take.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Estimate {
    /// Calls, if each works the first time and none is stored.
    pub calls: u64,
    /// Tokens of prompts.
    pub prompt_tokens: u64,
    /// Tokens of replies, if each is as long as it may be.
    pub completion_tokens_at_most: u64,
    /// Money, if each reply is as long as it may be; `None` where no price is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_at_most: Option<f64>,
    /// Its currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
}

impl std::fmt::Display for Estimate {
    /// One line for people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { calls, prompt_tokens, completion_tokens_at_most, .. } = self;
        write!(
            f,
            "{calls} calls, about {prompt_tokens} tokens of prompts and at most \
             {completion_tokens_at_most} of replies"
        )?;
        match (self.cost_at_most, &self.currency) {
            (Some(cost), Some(currency)) => write!(f, ", at most {cost:.2} {currency}"),
            _ => write!(f, ", no price known"),
        }
    }
}

/// Sums over requests that are drawn once.
pub fn estimate<'a>(
    requests: impl IntoIterator<Item = &'a ChatRequest>,
    price: Option<&Price>,
) -> Estimate {
    let mut e = Estimate::default();
    for r in requests {
        e.calls += 1;
        e.prompt_tokens += prompt_tokens(r);
        e.completion_tokens_at_most += u64::from(r.sampling.max_tokens);
    }
    if let Some(price) = price {
        let usage = Usage { prompt: e.prompt_tokens, completion: e.completion_tokens_at_most };
        e.cost_at_most = Some(price.of(usage));
        e.currency = Some(price.currency.clone());
    }
    e
}

/// Tokens of a request's prompt: its texts, its envelope, its schema.
pub fn prompt_tokens(request: &ChatRequest) -> u64 {
    let texts: u64 = request.messages.iter().map(|m| text_tokens(&m.content) + 4).sum();
    let schema = request.schema.as_ref().map_or(0, |s| text_tokens(&s.schema.to_string()));
    texts + schema + 3
}

/// Tokens of a text: letters of a script per token of the vocabularies in use, by and large (they
/// were cut on English, so other scripts take more).
pub fn text_tokens(text: &str) -> u64 {
    let quarters: u64 = text.chars().map(|c| u64::from(quarter_tokens(c))).sum();
    quarters.div_ceil(QUARTERS)
}

/// Parts of a token in which letters are counted.
const QUARTERS: u64 = 12;

fn quarter_tokens(c: char) -> u8 {
    match u32::from(c) {
        // Latin: about four letters a token in English, three in other languages.
        0x0000..=0x007f => 3,
        0x0080..=0x024f => 6,
        // Greek, Cyrillic, Armenian, Hebrew, Arabic
        0x0370..=0x07ff => 6,
        // Scripts of India, Thai, Lao, Tibetan, Burmese, Georgian, Ethiopic, Khmer
        0x0900..=0x1fff => 12,
        // Kana, Han, Hangul
        0x3000..=0x9fff | 0xac00..=0xd7af | 0xf900..=0xfaff => 14,
        // Punctuation, symbols, emoji
        0x2000..=0x2fff => 12,
        _ => 24,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_scripts_take_more_tokens_than_latin() {
        let words = [
            ("One of my main goals in life has been to make my parents proud", 14, 20),
            ("Ένας από τους κύριους στόχους μου στη ζωή", 18, 28),
            ("人生の主な目標の一つは両親に誇りに思ってもらうことです", 22, 38),
            ("", 0, 0),
        ];
        for (text, least, most) in words {
            let n = text_tokens(text);
            assert!((least..=most).contains(&n), "{text}: {n}");
        }
    }

    #[test]
    fn a_batch_is_summed_and_priced() {
        let requests = vec![ChatRequest::greedy("", "four", 100); 10];
        let price = Price { prompt: 1.0, completion: 10.0, currency: "EUR".into() };
        let e = estimate(&requests, Some(&price));
        assert_eq!((e.calls, e.completion_tokens_at_most), (10, 1000));
        assert_eq!(e.prompt_tokens, 10 * (1 + 4 + 3));
        assert!((e.cost_at_most.unwrap() - (80.0 + 10_000.0) / 1e6).abs() < 1e-12);
        let words = "10 calls, about 80 tokens of prompts and at most 1000 of replies";
        assert_eq!(e.to_string(), format!("{words}, at most 0.01 EUR"));
        assert_eq!(estimate(&requests, None).to_string(), format!("{words}, no price known"));
    }
}
