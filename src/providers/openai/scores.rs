//! Scores of listed answers from log-probabilities of the first token: for services that give them,
//! and answers that begin with different tokens. Where a service gives none, or an answer is the
//! beginning of another that may be a token of its own (`1` and `10`), there are no scores, and
//! callers draw answers instead.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::{Backend, OpenAi, envelope};
use crate::domain::OptionScores;
use crate::domain::prompt::Prompt;
use crate::providers::replies::{Replies, ReplyKey, ask_recorded};
use crate::providers::{ChatRequest, ProviderError};

/// Natural log-probability of an answer that is not among the likeliest tokens: practically none,
/// and never more than the least likely token that is listed.
const UNLISTED: f64 = -23.0;

/// See [`ChatModel::score`](crate::providers::ChatModel::score). The replies are stored and paid
/// for like others. An answer's score is that of its first token, with or without a blank before
/// it, its end not included.
pub(super) fn score(
    api: &mut OpenAi,
    prompts: &[Prompt],
    replies: &Arc<Replies>,
) -> Option<Result<Vec<OptionScores>, String>> {
    if prompts.is_empty() {
        return Some(Ok(Vec::new()));
    }
    if api.dialect.log_probs == 0 {
        return None;
    }
    // The first alone: a service without them is not asked a thousand times.
    let mut scores = Vec::with_capacity(prompts.len());
    for part in [&prompts[..1], &prompts[1..]] {
        match some(api, part, replies) {
            Ok(Some(part)) => scores.extend(part),
            Ok(None) => {
                Arc::make_mut(&mut api.dialect).log_probs = 0;
                return None;
            }
            Err(e) => return Some(Err(e.to_string())),
        }
    }
    Some(Ok(scores))
}

fn request(prompt: &Prompt) -> ChatRequest {
    ChatRequest::greedy(&prompt.system, prompt.user.clone(), 1)
}

fn some(
    api: &mut OpenAi,
    prompts: &[Prompt],
    replies: &Arc<Replies>,
) -> Result<Option<Vec<OptionScores>>, ProviderError> {
    let content = api.content();
    let mut scores: Vec<Option<OptionScores>> = vec![None; prompts.len()];
    let mut failed = None;
    ask_recorded(api, replies, true, &mut prompts.iter().map(request), &mut |i, reply| {
        if let Err(e) = reply {
            failed.get_or_insert(e);
            return ControlFlow::Break(());
        }
        let Some(prompt) = prompts.get(i as usize) else { return ControlFlow::Continue(()) };
        let key = ReplyKey::of(&content, &request(prompt), true);
        let stored = replies.get(&key).ok().flatten();
        let tokens = stored.and_then(|s| envelope::first_token(&s.body));
        scores[i as usize] = tokens.and_then(|t| of_tokens(&t, &prompt.answers));
        if scores[i as usize].is_none() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    match failed {
        Some(e) => {
            Err(ProviderError::Unreachable { provider: api.provider.clone(), detail: e.detail })
        }
        None => Ok(scores.into_iter().collect()),
    }
}

/// The answers' scores from the likeliest first tokens; `None` where tokens cannot tell the answers
/// apart.
pub(super) fn of_tokens(tokens: &[(String, f64)], answers: &[String]) -> Option<OptionScores> {
    let least = tokens.iter().map(|(_, p)| *p).fold(f64::INFINITY, f64::min);
    let has = |text: &str| tokens.iter().any(|(t, _)| t.trim() == text);
    for a in answers {
        let longer = answers.iter().find(|b| b.len() > a.len() && b.starts_with(a.as_str()));
        // `10` is seen as a token: then `1` means one, not the beginning of ten.
        if let Some(b) = longer
            && !has(b)
        {
            return None;
        }
    }
    let log_probs = answers
        .iter()
        .map(|answer| {
            let sum: f64 = tokens
                .iter()
                .filter(|(t, _)| t.trim() == answer.trim())
                .map(|(_, p)| p.exp())
                .sum();
            if sum > 0.0 { sum.ln().min(0.0) } else { least.min(UNLISTED) }
        })
        .collect();
    // None of them is listed: the model means to begin in another way.
    answers.iter().any(|a| has(a.trim())).then_some(OptionScores { log_probs })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(pairs: &[(&str, f64)]) -> Vec<(String, f64)> {
        pairs.iter().map(|(t, p)| ((*t).to_owned(), p.ln())).collect()
    }

    fn answers(of: &[&str]) -> Vec<String> {
        of.iter().map(|a| (*a).to_owned()).collect()
    }

    #[test]
    fn an_answer_counts_with_and_without_a_blank_before_it() {
        let t = tokens(&[("1", 0.5), (" 1", 0.2), ("2", 0.1), ("The", 0.05)]);
        let s = of_tokens(&t, &answers(&["2", "1", "3"])).unwrap();
        assert!((s.log_probs[0].exp() - 0.1).abs() < 1e-12);
        assert!((s.log_probs[1].exp() - 0.7).abs() < 1e-12);
        assert!(s.log_probs[2] <= UNLISTED);
        assert!((s.listed_mass() - 0.8).abs() < 1e-9);
    }

    #[test]
    fn answers_that_tokens_cannot_tell_apart_get_no_score() {
        let ten: Vec<String> = (1..=10).map(|i| i.to_string()).collect();
        assert!(of_tokens(&tokens(&[("1", 0.5), ("7", 0.2)]), &ten).is_none());
        assert!(of_tokens(&tokens(&[("1", 0.5), ("10", 0.2)]), &ten).is_some());
        assert!(of_tokens(&tokens(&[("Sure", 0.9)]), &answers(&["1", "2"])).is_none());
    }
}
