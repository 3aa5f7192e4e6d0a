//! Pairs with a known answer: identical, unrelated, negated.

use crate::domain::{Form, Question};
use crate::stats::dice::Dice;
use crate::store::ItemKind;

/// A control before it is an item.
pub(super) struct Control<'a> {
    pub kind: ItemKind,
    pub seed: &'a Question,
    pub text: String,
    pub expected: (u8, u8),
}

/// `n` controls over seeds drawn by chance, the three kinds in turn. A kind that cannot be made
/// (one seed only; no negation rule for a question or for the language) gives way to the next.
pub(super) fn controls<'a>(n: usize, seeds: &[&'a Question], dice: &mut Dice) -> Vec<Control<'a>> {
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
            0 => Some(identical(seed)),
            1 => unrelated(seed, &order, dice),
            _ => negated(seed),
        });
        out.extend(control);
    }
    out
}

fn identical(seed: &Question) -> Control<'_> {
    let text = seed.text.clone();
    Control { kind: ItemKind::ControlIdentical, seed, text, expected: (5, 5) }
}

/// The seed beside one of another topic, so that the two share as little as can be.
fn unrelated<'a>(
    seed: &'a Question,
    seeds: &[&'a Question],
    dice: &mut Dice,
) -> Option<Control<'a>> {
    let far: Vec<&Question> =
        seeds.iter().copied().filter(|s| s.id != seed.id && s.topic != seed.topic).collect();
    let near: Vec<&Question> = seeds.iter().copied().filter(|s| s.id != seed.id).collect();
    let choice = if far.is_empty() { near } else { far };
    if choice.is_empty() {
        return None;
    }
    let text = choice[dice.below(choice.len())].text.clone();
    Some(Control { kind: ItemKind::ControlUnrelated, seed, text, expected: (1, 2) })
}

/// The opposite of an English statement. Other languages and questions have no rule here.
fn negated(seed: &Question) -> Option<Control<'_>> {
    let english = seed.language == "en" || seed.language.starts_with("en-");
    if !english || seed.form != Form::Statement {
        return None;
    }
    let mut letters = seed.text.chars();
    let first = letters.next()?;
    let rest = letters.as_str();
    // "I" and names in capitals stay as they are
    let keep = rest.starts_with([' ', '\'']) || rest.chars().next().is_some_and(char::is_uppercase);
    let first: String =
        if keep && first != 'A' { first.to_string() } else { first.to_lowercase().collect() };
    let text = format!("It is not true that {first}{rest}");
    Some(Control { kind: ItemKind::ControlNegated, seed, text, expected: (1, 2) })
}
