//! Both stages over a language model, in two waves, so that many calls are in flight: all
//! paraphrase requests of all seeds, then all synonym requests of all parents. A seed is judged
//! when its last reply is there, while the calls of others go on, and written when it is finished.

use std::collections::BTreeMap;

use super::calls::Asking;
use super::growth::{Growth, Judge, as_parent};
use super::ledger::Ledger;
use super::{AugmentError, Settings};
use crate::domain::{Question, Sample};
use crate::job::JobError;
use crate::providers::language::{Paraphrases, SynonymsInContext};
use crate::providers::prompts::{Library, PromptError};
use crate::providers::{ChatRequest, Proposal};

/// How many paraphrases are asked for each one that is wanted: a model's texts pass the guards more
/// often than not, and every one is paid for.
const OVER: usize = 2;
/// Fewest sentences of one request.
const FEWEST: usize = 2;

/// The two prompts of a run.
pub(super) struct Prompts {
    paraphrases: Paraphrases,
    synonyms: SynonymsInContext,
}

impl Prompts {
    /// Those that the run froze.
    ///
    /// # Errors
    /// The file and line that is wrong.
    pub fn load(library: &Library, settings: &Settings) -> Result<Self, PromptError> {
        let manner = settings.manner.unwrap_or_default();
        Ok(Self {
            paraphrases: Paraphrases::new(library.load("paraphrase")?, manner),
            synonyms: SynonymsInContext::new(library.load("synonyms")?, manner),
        })
    }

    /// The requests of stage 1 for a seed: family and sentences wanted of each.
    ///
    /// # Errors
    /// The scope names a family that the prompt does not have, or leaves none.
    pub fn families(
        &self,
        seed: &Question,
        settings: &Settings,
    ) -> Result<Vec<(String, usize)>, AugmentError> {
        let bad = |e: String| AugmentError::Settings(e);
        let names = self
            .paraphrases
            .families(seed.form, &settings.scope)
            .map_err(|e| bad(e.to_string()))?;
        if names.is_empty() {
            return Err(bad(format!("no family of the prompt applies to {}", seed.id)));
        }
        let each = (settings.templates * OVER).div_ceil(names.len()).max(FEWEST);
        Ok(names.into_iter().map(|f| (f.to_owned(), each)).collect())
    }

    /// The request of stage 1.
    pub fn paraphrase(
        &self,
        seed: &Question,
        family: &str,
        n: usize,
        settings: &Settings,
    ) -> Result<ChatRequest, PromptError> {
        self.paraphrases.request(seed, family, n, settings.seed)
    }

    /// The request of stage 2.
    pub fn synonyms(
        &self,
        seed: &Question,
        text: &str,
        settings: &Settings,
    ) -> Result<ChatRequest, PromptError> {
        self.synonyms.request(seed, text, settings.seed)
    }
}

/// One request and what its reply is for.
struct Call<T> {
    seed: usize,
    /// Place among the calls of its seed.
    place: usize,
    what: T,
}

/// A seed whose replies are coming in.
struct Open<'a> {
    growth: Option<Growth<'a>>,
    replies: Vec<Option<Vec<Proposal>>>,
}

/// Grows the seeds and writes each as it is finished.
pub(super) struct Waves<'a, 'w> {
    pub asking: Asking<'w>,
    pub prompts: &'w Prompts,
    pub judge: Judge<'a>,
}

impl<'a> Waves<'a, '_> {
    /// # Errors
    /// The provider cannot go on, the filter gave no usable number, the disk is full, or the job
    /// was asked to stop. Seeds that were finished before are written.
    pub fn grow(&mut self, seeds: &[&'a Question]) -> Result<(), JobError> {
        let settings = self.judge.settings;
        let mut open: BTreeMap<usize, Open<'a>> = BTreeMap::new();
        let mut calls: Vec<Call<(String, usize)>> = Vec::new();
        for (i, seed) in seeds.iter().enumerate() {
            let growth = Growth::new(seed, self.judge);
            if growth.is_full() {
                // Enough texts are in use: nothing is asked, nothing is paid.
                let none = growth.finish().map_err(super::job::failed)?;
                self.asking.ledger.finished(&seed.id, &none)?;
                continue;
            }
            let families = self.prompts.families(seed, settings).map_err(super::job::failed)?;
            let replies = vec![None; families.len()];
            for (place, what) in families.into_iter().enumerate() {
                calls.push(Call { seed: i, place, what });
            }
            open.insert(i, Open { growth: Some(growth), replies });
        }
        let later = if settings.synonyms == 0 { 0 } else { open.len() * settings.templates };
        let prompts = self.prompts;
        let version = prompts.paraphrases.version();
        self.asking.wave(
            "paraphrases",
            &calls,
            later as u64,
            |c| prompts.paraphrase(seeds[c.seed], &c.what.0, c.what.1, settings),
            |c, answer, ledger| {
                let proposals = prompts.paraphrases.read(&c.what.0, c.what.1, &answer);
                let Some(all) = put(&mut open, c, proposals) else { return Ok(()) };
                let Some(o) = open.get_mut(&c.seed) else { return Ok(()) };
                let Some(growth) = o.growth.as_mut() else { return Ok(()) };
                growth.first(&version, all.into_iter().flatten().collect())?;
                o.replies = vec![None; growth.parents().count()];
                if o.replies.is_empty() {
                    finish(&mut open, c.seed, &seeds[c.seed].id, ledger)?;
                }
                Ok(())
            },
        )?;

        let parents: Vec<Call<Sample>> = open
            .iter()
            .filter_map(|(i, o)| Some((*i, o.growth.as_ref()?)))
            .flat_map(|(seed, g)| {
                g.parents()
                    .cloned()
                    .enumerate()
                    .map(move |(place, what)| Call { seed, place, what })
                    .collect::<Vec<_>>()
            })
            .collect();
        let version = prompts.synonyms.version();
        let of_seed = |seed: usize| parents.iter().filter(move |p| p.seed == seed);
        self.asking.wave(
            "synonyms",
            &parents,
            0,
            |c| prompts.synonyms(seeds[c.seed], &c.what.text, settings),
            |c, answer, ledger| {
                let (n, seed) = (settings.synonyms, seeds[c.seed]);
                let proposals =
                    prompts.synonyms.read(seed, as_parent(&c.what), n, settings.seed, &answer);
                let Some(all) = put(&mut open, c, proposals) else { return Ok(()) };
                let Some(growth) = open.get_mut(&c.seed).and_then(|o| o.growth.as_mut()) else {
                    return Ok(());
                };
                for (parent, proposals) in of_seed(c.seed).zip(all) {
                    growth.second(&version, &parent.what, proposals)?;
                }
                finish(&mut open, c.seed, &seed.id, ledger)
            },
        )
    }
}

/// Puts a reply's proposals in their place; all of the seed, once they are there.
fn put<T>(
    open: &mut BTreeMap<usize, Open<'_>>,
    call: &Call<T>,
    proposals: Vec<Proposal>,
) -> Option<Vec<Vec<Proposal>>> {
    let o = open.get_mut(&call.seed)?;
    *o.replies.get_mut(call.place)? = Some(proposals);
    o.replies.iter().all(Option::is_some).then(|| o.replies.drain(..).flatten().collect())
}

fn finish(
    open: &mut BTreeMap<usize, Open<'_>>,
    seed: usize,
    id: &crate::domain::QuestionId,
    ledger: &mut Ledger,
) -> Result<(), AugmentError> {
    if let Some(growth) = open.remove(&seed).and_then(|o| o.growth) {
        ledger.finished(id, &growth.finish()?)?;
    }
    Ok(())
}
