//! `offline`: paraphrases by rules and a lexicon of our own. No network, no weights, instant, the
//! same answer for the same seed. It is rules, and says so: a seed that it holds building blocks
//! for gets real restructuring, any other one a frame around its own clause, or an honest failure.
//!
//! | file | what |
//! |---|---|
//! | `rules/templates.toml` | templates by group and family, with the side of each family |
//! | `rules/statements.toml`, `rules/questions.toml` | building blocks of the 50 sample seeds |
//! | `rules/lexicon.toml` | synonyms, each bound to the seeds whose context it was read in |
//!
//! Debt: English only.

mod agreement;
pub(super) mod lexicon;
mod near;
mod rules;
mod template;
#[cfg(test)]
mod tests;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;
use sha2::{Digest, Sha256};

pub use self::near::NEAR_DUPLICATE_EDITS;

use self::near::Words;
use self::rules::{Rules, Template};
use super::{Ask, Augmenter, Family, Outcome, Parent, Proposal, ProviderError};
use crate::domain::Question;

/// The provider; one serves a whole run.
#[derive(Debug)]
pub struct Offline {
    rules: Rules,
    version: String,
}

impl Offline {
    /// Reads the rules that are embedded in the binary.
    ///
    /// # Errors
    /// [`ProviderError::Rules`] where a rule file is broken: a defect of this build.
    pub fn new() -> Result<Self, ProviderError> {
        let mut hash = Sha256::new();
        for (name, text) in rules::FILES {
            hash.update(name);
            hash.update(text);
        }
        let digest = hash.finalize().iter().take(4).fold(0_u32, |acc, &b| acc << 8 | u32::from(b));
        Ok(Self { rules: Rules::embedded()?, version: format!("rules-1-{digest:08x}") })
    }

    /// Every text that the templates in scope give this seed, template by template, near-duplicates
    /// included: for reading the rules.
    pub fn all_paraphrases(&self, seed: &Question, ask: &Ask) -> Vec<Proposal> {
        self.candidates(seed, ask).into_iter().map(|(t, text)| proposal(t, text)).collect()
    }

    fn candidates<'a>(&'a self, seed: &Question, ask: &Ask) -> Vec<(&'a Template, String)> {
        let Some((templates, blocks)) = self.rules.applicable(seed) else { return Vec::new() };
        templates
            .iter()
            .filter(|t| ask.scope.allows(&t.family))
            .filter_map(|t| Some((t, template::fill(&t.text, &blocks)?)))
            .collect()
    }
}

impl Augmenter for Offline {
    fn name(&self) -> String {
        "offline".into()
    }

    fn version(&self) -> String {
        self.version.clone()
    }

    fn families(&self, seed: &Question) -> Vec<Family> {
        let everything = Ask { n: 0, rng_seed: 0, scope: super::Scope::default() };
        let mut found: Vec<Family> =
            self.candidates(seed, &everything).into_iter().map(|(t, _)| t.family.clone()).collect();
        found.sort();
        found.dedup();
        found
    }

    fn paraphrase(&self, seed: &Question, ask: &Ask) -> Result<Vec<Proposal>, ProviderError> {
        self.rules.check_families(&ask.scope.families)?;
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(mix(ask.rng_seed, seed.id.as_str()));
        let mut pool = self.candidates(seed, ask);
        pool.shuffle(&mut rng);
        // One text of every family before the second of any: few proposals still differ in kind.
        let mut rounds: Vec<(usize, (&Template, String))> = Vec::with_capacity(pool.len());
        for candidate in pool {
            let round = rounds.iter().filter(|(_, (t, _))| t.family == candidate.0.family).count();
            rounds.push((round, candidate));
        }
        rounds.sort_by_key(|(round, _)| *round);
        let mut made: Vec<Proposal> = Vec::with_capacity(ask.n);
        let mut known = vec![Words::of(&seed.text)];
        for (_, (template, text)) in rounds {
            if made.len() == ask.n {
                break;
            }
            let words = Words::of(&text);
            if !known.iter().any(|k| k.near(&words)) {
                known.push(words);
                made.push(proposal(template, text));
            }
        }
        let found = made.len();
        made.resize_with(ask.n, || {
            let detail = if found == 0 {
                format!("no template applies to {}", seed.id)
            } else {
                format!("the templates in scope give {} {found} distinct texts", seed.id)
            };
            Proposal::no_rule(detail, None)
        });
        Ok(made)
    }

    fn substitute(
        &self,
        seed: &Question,
        parent: Parent<'_>,
        ask: &Ask,
    ) -> Result<Vec<Proposal>, ProviderError> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(mix(ask.rng_seed, parent.text));
        let entries = self.rules.entries(seed, &ask.scope);
        let found = lexicon::variants(&entries, parent.text, ask.n, true, &mut rng);
        let count = found.len();
        let seed_words = Words::of(&seed.text);
        let mut made: Vec<Proposal> = found
            .into_iter()
            .filter(|(text, _)| !Words::of(text).near(&seed_words))
            .map(|(text, substitutions)| Proposal {
                outcome: Outcome::Text(text),
                template: parent.template.map(str::to_owned),
                family: parent.family.map(str::to_owned),
                substitutions,
                reply: None,
            })
            .collect();
        made.resize_with(ask.n, || {
            Proposal::no_rule(
                format!("the lexicon in scope gives this text {count} distinct variants"),
                Some(&parent),
            )
        });
        Ok(made)
    }

    fn plan(&self, _paraphrase_asks: usize, _substitute_asks: usize) -> usize {
        0
    }
}

fn proposal(template: &Template, text: String) -> Proposal {
    Proposal {
        outcome: Outcome::Text(text),
        template: Some(template.name.clone()),
        family: Some(template.family.name.clone()),
        substitutions: Vec::new(),
        reply: None,
    }
}

/// A random seed of its own for every text, whatever the order in which texts are asked for.
pub(super) fn mix(seed: u64, text: &str) -> u64 {
    let digest = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(text).finalize();
    digest.iter().take(8).fold(0, |acc, &byte| acc << 8 | u64::from(byte))
}
