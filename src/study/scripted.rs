//! Three rules that stand in for raters in the demonstration. They know words, not meaning, and are
//! marked as scripted in status, results and exports: nobody shall take them for people.

use crate::domain::{RaterId, Score, StudyId};
use crate::stats::dice::Dice;
use crate::store::{Action, Item, NewEvent, Rater, RaterKind, Workspace};
use crate::text::{fold, folded_words, similarity, token_edits};

use super::StudyError;

/// Names of the scripted raters.
pub const SCRIPTED: [&str; 3] = ["scripted-overlap", "scripted-edits", "scripted-lenient"];

/// The three scripted raters, declared for these languages.
///
/// # Errors
/// None in practice: the names are constants of the right form.
pub fn scripted_raters(languages: &[String]) -> Result<Vec<Rater>, StudyError> {
    SCRIPTED
        .iter()
        .map(|name| {
            Ok(Rater {
                id: RaterId::new(*name)?,
                kind: RaterKind::Scripted,
                languages: languages.to_vec(),
                cultures: Vec::new(),
                consent: None,
            })
        })
        .collect()
}

/// The score that a scripted rater gives a pair: from shared words, from edits, or from letters,
/// plus seeded noise below half a point. The same for the same rater, seed and texts, except that
/// a hidden repeat draws noise of its own, as a person's second look would. `None` for other names.
pub fn scripted_score(rater: &str, item: &Item, seed: u64) -> Option<u8> {
    let (a, b) = (item.seed_text.as_str(), item.sample_text.as_str());
    let likeness = match SCRIPTED.iter().position(|n| *n == rater)? {
        0 => overlap(a, b),
        1 => {
            let words = folded_words(a).len().max(folded_words(b).len()).max(1);
            1.0 - token_edits(a, b).min(words) as f64 / words as f64
        }
        _ => similarity(a, b).max(overlap(a, b)),
    };
    if fold(a) == fold(b) {
        return Some(5);
    }
    // a sample that was kept shares about half of its words with its seed and means the same: the
    // curve puts such pairs at 4 and pairs that share next to nothing at 1 and 2
    let mut score = 1.0 + 4.0 * likeness.sqrt();
    if denies(a) != denies(b) {
        score -= 3.0;
    }
    let mut dice = Dice::new(seed, &["score", rater, item.id.as_str(), &item.sha256]);
    score += dice.unit() - 0.5;
    Some(score.round().clamp(1.0, 5.0) as u8)
}

/// Share of words in common: twice the shared ones over all.
fn overlap(a: &str, b: &str) -> f64 {
    let (a, mut b) = (folded_words(a), folded_words(b));
    let all = a.len() + b.len();
    let mut shared = 0;
    for word in &a {
        if let Some(at) = b.iter().position(|w| w == word) {
            b.swap_remove(at);
            shared += 1;
        }
    }
    if all == 0 { 0.0 } else { 2.0 * f64::from(shared) / all as f64 }
}

/// True where an English denial stands.
fn denies(text: &str) -> bool {
    folded_words(text)
        .iter()
        .any(|w| matches!(w.as_str(), "not" | "never" | "no") || w.ends_with("n't"))
}

/// Rates all that the plan gave the scripted raters and that is not rated yet, in one transaction.
/// Answers the number of ratings stored.
///
/// # Errors
/// No such study, no plan, or the database cannot be written.
pub fn rate_scripted(
    workspace: &mut Workspace,
    study: &StudyId,
    seed: u64,
) -> Result<usize, StudyError> {
    workspace.write_as(|tx| {
        if tx.need_study(study)?.fixed.is_none() {
            return Err(StudyError::NotPlanned { study: study.clone() });
        }
        let items = tx.items(study)?;
        let mut stored = 0;
        for rater in tx.raters(study)?.into_iter().filter(|r| r.kind == RaterKind::Scripted) {
            for a in tx.queue(study, &rater.id, u32::MAX)? {
                let Some(item) = items.iter().find(|i| i.id == a.content.item) else { continue };
                let Some(score) = scripted_score(rater.id.as_str(), item, seed) else { continue };
                let action = Action::Submit(Score::new(score)?);
                tx.put_event(&NewEvent::new(a.id, rater.id.clone(), action))?;
                stored += 1;
            }
        }
        Ok(stored)
    })
}
