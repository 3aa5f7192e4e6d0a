//! Items with a known answer. For similarity: identical, unrelated and negated pairs. For two
//! models' answers: the same answer twice, and an answer to another question. A single answer has
//! no known place on a scale of what is fitting, so there are none.

use crate::domain::{Form, StudyType};
use crate::stats::dice::Dice;
use crate::store::{ItemKind, ItemOrigin};

use super::sampling::Draft;
use super::seeds::Seed;

/// True where negated pairs can be made: the only rule there is is for English statements, and a
/// wrong negation would be worse than none.
pub(super) fn can_negate(language: &str) -> bool {
    crate::domain::same_language(language, "en")
}

/// `n` controls over seeds of one language drawn by chance, the three kinds in turn. A kind that
/// cannot be made (one seed only; no negation rule for a question or for the language) gives way
/// to the next.
pub(super) fn of_seeds(n: usize, seeds: &[&Seed], like: &Draft, dice: &mut Dice) -> Vec<Draft> {
    if seeds.is_empty() {
        return Vec::new();
    }
    let mut order = seeds.to_vec();
    dice.shuffle(&mut order);
    let mut out = Vec::with_capacity(n);
    for i in 0..n {
        let seed = order[i % order.len()];
        // each round over the seeds starts with the next kind, so that no pair stands twice early
        let turn = i + i / order.len();
        let kinds = [0, 1, 2].map(|step| (turn + step) % 3);
        let control = kinds.into_iter().find_map(|kind| match kind {
            0 => Some((ItemKind::ControlIdentical, seed.text.clone(), (5, 5))),
            1 => unrelated(seed, &order, dice).map(|t| (ItemKind::ControlUnrelated, t, (1, 2))),
            _ => negated(seed).map(|t| (ItemKind::ControlNegated, t, (1, 2))),
        });
        out.extend(control.map(|(kind, text, expected)| Draft {
            kind,
            k: None,
            seed: seed.id.clone(),
            sample: None,
            language: seed.language.clone(),
            seed_text: seed.text.clone(),
            sample_text: text,
            context: None,
            origin: ItemOrigin { wording: Some(seed.wording.to_owned()), ..ItemOrigin::default() },
            sensitive: like.sensitive,
            repeat_of: None,
            expected: Some(expected),
            culture: like.culture.clone(),
        }));
    }
    out
}

/// The seed beside one of another topic, so that the two share as little as can be.
fn unrelated(seed: &Seed, seeds: &[&Seed], dice: &mut Dice) -> Option<String> {
    let far: Vec<&Seed> =
        seeds.iter().copied().filter(|s| s.id != seed.id && s.topic != seed.topic).collect();
    let near: Vec<&Seed> = seeds.iter().copied().filter(|s| s.id != seed.id).collect();
    let choice = if far.is_empty() { near } else { far };
    if choice.is_empty() {
        return None;
    }
    Some(choice[dice.below(choice.len())].text.clone())
}

/// The opposite of an English statement. Other languages and questions have no rule here.
fn negated(seed: &Seed) -> Option<String> {
    if !can_negate(&seed.language) || seed.form != Form::Statement {
        return None;
    }
    let mut letters = seed.text.chars();
    let first = letters.next()?;
    let rest = letters.as_str();
    // "I" and names in capitals stay as they are
    let keep = rest.starts_with([' ', '\'']) || rest.chars().next().is_some_and(char::is_uppercase);
    let first: String =
        if keep && first != 'A' { first.to_string() } else { first.to_lowercase().collect() };
    Some(format!("It is not true that {first}{rest}"))
}

/// `n` controls over answers of one language: one answer on both sides (a tie), and an answer to
/// the question beside one to another (the first is better).
pub(super) fn of_answers(
    n: usize,
    study_type: StudyType,
    answers: &[Draft],
    dice: &mut Dice,
) -> Vec<Draft> {
    if study_type != StudyType::Preference || answers.is_empty() {
        return Vec::new();
    }
    let mut order: Vec<&Draft> = answers.iter().collect();
    dice.shuffle(&mut order);
    let mut out = Vec::with_capacity(n);
    for i in 0..n {
        let of = order[i % order.len()];
        let others: Vec<&&Draft> = order.iter().filter(|o| o.context != of.context).collect();
        let turn = i + i / order.len();
        let mut covered = of.sensitive;
        let (kind, text, expected) = if turn.is_multiple_of(2) || others.is_empty() {
            (ItemKind::ControlIdentical, of.seed_text.clone(), (2, 2))
        } else {
            let other = others[dice.below(others.len())];
            covered |= other.sensitive;
            (ItemKind::ControlUnrelated, other.sample_text.clone(), (1, 1))
        };
        out.push(Draft {
            kind,
            k: None,
            sample: None,
            sample_text: text,
            origin: ItemOrigin::default(),
            expected: Some(expected),
            sensitive: covered,
            ..of.clone()
        });
    }
    out
}
