//! Scores of models that give no log-probabilities: k answers are drawn to each prompt and
//! counted. What k draws can reach at best is a row of the table ([`super::Baseline`] tells the
//! rest): 20 draws from the exact truth do not score 1.

use serde::{Deserialize, Serialize};

use crate::domain::OptionScores;
use crate::domain::prompt::Prompt;
use crate::providers::{ChatModel, ChatRequest, Message, ProviderError, Sampling, ask_all};

use super::job::Scorer;

/// Longest answer, in tokens: room for a sentence around the option, not for an essay. Models that
/// reason need more.
pub const ANSWER_TOKENS: u32 = 64;

/// Answers drawn to a prompt where nothing else is said. Twenty from the exact truth score .961 of
/// 1 (science: "Prompts"); over the prompt variants of a text they add up.
pub const DEFAULT_DRAWS: u32 = 20;

/// How answers are drawn: `draws.json`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draws {
    /// Answers to each prompt.
    pub k: u32,
    /// Sampling temperature; 1 draws from the model's own distribution.
    pub temperature: f64,
    /// Longest answer, in tokens.
    pub max_tokens: u32,
}

impl Draws {
    /// k answers at temperature 1.
    pub fn of(k: u32) -> Self {
        Self { k, temperature: 1.0, max_tokens: ANSWER_TOKENS }
    }
}

/// A chat model behind the evaluation's trait: by log-probabilities where it has them, else by
/// counting.
pub struct Drawn {
    model: Box<dyn ChatModel>,
    draws: Draws,
    counts: bool,
    trouble: Option<ProviderError>,
}

impl Drawn {
    /// Wraps a model.
    pub fn new(model: Box<dyn ChatModel>, draws: Draws) -> Self {
        Self { model, draws, counts: false, trouble: None }
    }
}

impl Scorer for Drawn {
    fn score(&mut self, prompts: &[Prompt]) -> Result<Vec<OptionScores>, String> {
        if !self.counts {
            if let Some(scores) = self.model.score(prompts) {
                return scores;
            }
            // It said that it gives none: it is not asked again.
            self.counts = true;
        }
        let k = self.draws.k.max(1);
        let requests: Vec<ChatRequest> = prompts
            .iter()
            .flat_map(|p| (0..k).map(move |draw| (p, draw)))
            .map(|(p, draw)| request(p, draw, self.draws))
            .collect();
        let (replies, _) = ask_all(&mut *self.model, &requests).map_err(|e| {
            let words = e.to_string();
            self.trouble = Some(e);
            words
        })?;
        let mut out = Vec::with_capacity(prompts.len());
        for (p, replies) in prompts.iter().zip(replies.chunks(k as usize)) {
            let mut counts = vec![0u32; p.answers.len()];
            let mut answered = 0u32;
            for reply in replies.iter().flatten() {
                answered += 1;
                if let Some(rank) = chosen_option(&reply.text, &p.answers) {
                    counts[rank] += 1;
                }
            }
            // A call that failed is no answer of the model; a reply that names no option is one.
            if answered == 0 {
                let why = replies.iter().find_map(|r| r.as_ref().err());
                return Err(why.map_or_else(|| "no reply".into(), |f| f.detail.clone()));
            }
            let of = f64::from(answered);
            let log_probs = counts.iter().map(|&c| (f64::from(c) / of).ln()).collect();
            out.push(OptionScores { log_probs });
        }
        Ok(out)
    }

    fn trouble(&mut self) -> Option<ProviderError> {
        self.trouble.take()
    }

    fn texts_at_once(&self) -> usize {
        16
    }

    fn method(&self) -> String {
        if self.counts {
            format!("{} answers drawn", self.draws.k.max(1))
        } else {
            "log-probabilities".into()
        }
    }
}

pub(super) fn request(p: &Prompt, draw: u32, d: Draws) -> ChatRequest {
    let mut messages = Vec::with_capacity(2);
    if !p.system.is_empty() {
        messages.push(Message::system(&p.system));
    }
    messages.push(Message::user(&p.user));
    let sampling = Sampling {
        temperature: d.temperature,
        top_p: 1.0,
        max_tokens: d.max_tokens,
        stop: Vec::new(),
        seed: Some(u64::from(draw) + 1),
    };
    ChatRequest { draw, ..ChatRequest::new(messages, sampling) }
}

/// The option that a reply names: its place in `answers`. A reply that names none, or several that
/// differ, is no answer. Reasoning blocks are left out; digits of other scripts count.
pub fn chosen_option(reply: &str, answers: &[String]) -> Option<usize> {
    let text = western_digits(without_reasoning(reply));
    let is_mark = |c: char| !c.is_alphanumeric();
    let bare = text.trim_matches(is_mark);
    if let Some(i) = answers.iter().position(|a| a.eq_ignore_ascii_case(bare)) {
        return Some(i);
    }
    // `3. Agree`, `3 (agree)`, `A)`: the first word is the option, and what follows is its label.
    let first = text.trim_start_matches(is_mark);
    let word = first.split(is_mark).next().unwrap_or_default();
    let words = || text.split(is_mark).filter(|w| !w.is_empty());
    let of = |w: &str| answers.iter().position(|a| a == w);
    let numbers: Vec<usize> = words().filter_map(of).collect();
    // Single letters are words of many languages ("A person ..."): as the first word they need a
    // mark behind them, elsewhere they need to be marked as an answer.
    let letters = answers.iter().all(|a| a.chars().all(char::is_alphabetic));
    if letters {
        let after = first[word.len()..].chars().next();
        if matches!(after, None | Some('.' | ')' | ':' | ',' | '*' | '\n')) {
            return of(word);
        }
        return marked(&text, answers);
    }
    match numbers.as_slice() {
        [] => None,
        [one] => Some(*one),
        all if all.iter().all(|n| n == &all[0]) => Some(all[0]),
        all => of(word)
            .filter(|_| !is_range(&text, answers))
            .or_else(|| marked(&text, answers).filter(|m| all.contains(m))),
    }
}

/// `answer is 3`, `Answer: B`: the option behind the last such mark.
fn marked(text: &str, answers: &[String]) -> Option<usize> {
    let lower = text.to_lowercase();
    ["answer is", "answer:", "choose", "option", "\"answer\""]
        .iter()
        .filter_map(|m| lower.rfind(m).map(|at| at + m.len()))
        .max()
        .and_then(|at| {
            let word = lower[at..].split(|c: char| !c.is_alphanumeric()).find(|w| !w.is_empty())?;
            answers.iter().position(|a| a.eq_ignore_ascii_case(word))
        })
}

/// `1 to 4`, `1-4`: the question said again, not an answer.
fn is_range(text: &str, answers: &[String]) -> bool {
    let words: Vec<&str> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let known = |w: &str| answers.iter().any(|a| a == w);
    words.windows(3).any(|w| known(w[0]) && w[1] == "to" && known(w[2]))
        || answers.iter().any(|a| answers.iter().any(|b| text.contains(&format!("{a}-{b}"))))
}

fn without_reasoning(reply: &str) -> &str {
    match reply.rfind("</think>") {
        Some(at) => &reply[at + "</think>".len()..],
        None if reply.trim_start().starts_with("<think>") => "",
        None => reply,
    }
}

/// Arabic-Indic, Persian, Bengali, Devanagari and full-width digits as 0 to 9.
fn western_digits(text: &str) -> String {
    const ZEROS: [u32; 5] = [0x660, 0x6f0, 0x9e6, 0x966, 0xff10];
    text.chars()
        .map(|c| {
            let n = c as u32;
            ZEROS
                .iter()
                .find(|z| (**z..**z + 10).contains(&n))
                .and_then(|z| char::from_digit(n - z, 10))
                .unwrap_or(c)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::CallFailed;
    use crate::providers::chat::testing::Scripted;

    fn numbers(n: u8) -> Vec<String> {
        (1..=n).map(|i| i.to_string()).collect()
    }

    #[test]
    fn replies_are_read_as_people_would_read_them() {
        for (reply, want) in [
            ("3", Some(2)),
            (" 3.\n", Some(2)),
            ("**3**", Some(2)),
            ("3. Disagree", Some(2)),
            ("3 (disagree)", Some(2)),
            ("The answer is 2.", Some(1)),
            ("{\"answer\": 4}", Some(3)),
            ("I would choose 1, because 2 is too strong", Some(0)),
            ("On a scale from 1 to 4, the answer is 2", Some(1)),
            ("On a scale from 1 to 4 it depends", None),
            ("<think>maybe 1, maybe 4</think>2", Some(1)),
            ("<think>maybe 1", None),
            ("٣", Some(2)),
            ("২", Some(1)),
            ("４", Some(3)),
            ("14", None),
            ("7", None),
            ("I cannot answer that.", None),
            ("", None),
        ] {
            assert_eq!(chosen_option(reply, &numbers(4)), want, "{reply}");
        }
        assert_eq!(chosen_option("10", &numbers(10)), Some(9));
        let letters: Vec<String> = ["A", "B", "C"].map(str::to_owned).to_vec();
        for (reply, want) in [
            ("A", Some(0)),
            ("b", Some(1)),
            ("C) never", Some(2)),
            ("A person would say no", None),
            ("My answer is B.", Some(1)),
        ] {
            assert_eq!(chosen_option(reply, &letters), want, "{reply}");
        }
    }

    fn prompt() -> Prompt {
        Prompt { system: "s".into(), user: "u".into(), answers: numbers(2) }
    }

    #[test]
    fn shares_are_counts_and_what_names_no_option_is_missing_mass() {
        let said = ["1", "1", "2", "no idea"];
        let mut n = 0;
        let model = Scripted(move |_: &ChatRequest| {
            n += 1;
            Ok(said[(n - 1) % 4].to_owned())
        });
        let mut s = Drawn::new(Box::new(model), Draws::of(4));
        let got = s.score(&[prompt()]).unwrap();
        assert!((got[0].listed_mass() - 0.75).abs() < 1e-12);
        assert!((got[0].distribution().unwrap().shares()[0] - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(s.method(), "4 answers drawn");
    }

    #[test]
    fn draws_of_one_prompt_are_requests_of_their_own_and_failed_calls_are_no_answers() {
        let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let log = seen.clone();
        let model = Scripted(move |r: &ChatRequest| {
            log.lock().unwrap().push(r.draw);
            if r.draw == 1 {
                return Err(CallFailed { code: "timeout".into(), detail: "slow".into() });
            }
            Ok("2".to_owned())
        });
        let got = Drawn::new(Box::new(model), Draws::of(3)).score(&[prompt()]).unwrap();
        assert_eq!(*seen.lock().unwrap(), [0, 1, 2]);
        assert_eq!(got[0].log_probs[1], 0.0);
        let dead = Scripted(|_: &ChatRequest| {
            Err(CallFailed { code: "server".into(), detail: "it is down".into() })
        });
        let e = Drawn::new(Box::new(dead), Draws::of(2)).score(&[prompt()]).unwrap_err();
        assert_eq!(e, "it is down");
    }
}
