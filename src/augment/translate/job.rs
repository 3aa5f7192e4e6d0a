//! The translation job: all calls in one wave, judged seed by seed in the order of the units, so
//! that equal replies give equal results however they arrive.

use std::collections::{BTreeMap, BTreeSet};

use super::{TranslateSettings, Unit, check};
use crate::augment::calls::Asking;
use crate::augment::guards::{Reading, Siblings};
use crate::augment::job::failed;
use crate::augment::ledger::Ledger;
use crate::augment::{AugmentError, Summary, sample_id};
use crate::domain::{Decision, Provenance, QuestionId, Sample, SampleId, Stage};
use crate::job::{Attempt, JobError, Progress, read_jsonl};
use crate::providers::ChatModel;
use crate::providers::language::Translations;
use crate::providers::prompts::Library;
use crate::providers::reading::Item;

/// What tells one unit from another.
type Key = (QuestionId, String, Option<SampleId>);

fn key_of(u: &Unit) -> Key {
    (u.seed.clone(), u.target.clone(), u.parent.clone())
}

/// Reads `translate.json`, `units.jsonl`, `existing.jsonl` and `prompts/`; appends a sample for
/// every unit to `results.jsonl`; writes `summary.json` last.
///
/// # Errors
/// Settings that cannot be followed, a provider that cannot go on, a full disk;
/// [`JobError::Stopped`] when asked to stop.
pub fn work(
    attempt: &Attempt,
    progress: &mut dyn Progress,
    model: &mut dyn ChatModel,
) -> Result<Summary, JobError> {
    let settings: TranslateSettings = attempt.read_input("translate.json")?;
    settings.check().map_err(failed)?;
    let all: Vec<Unit> = read_jsonl(&attempt.input("units.jsonl"))?;
    let existing: Vec<Sample> = read_jsonl(&attempt.input("existing.jsonl"))?;
    let prompt = Library::of_folder(attempt.input("prompts")).load("translate");
    let prompt = prompt.map_err(|e| JobError::Work(e.to_string()))?;
    let translations = Translations::new(prompt, settings.manner);

    let mut before: Vec<Sample> = Vec::new();
    for a in attempt.earlier().into_iter().rev().chain(std::iter::once(attempt.clone())) {
        before.extend(read_jsonl::<Sample>(&a.file("results.jsonl"))?);
    }
    let done: BTreeSet<Key> = before
        .iter()
        .map(|s| (s.seed.clone(), s.language.clone(), s.provenance.parent.clone()))
        .collect();
    let open: Vec<Unit> = all.into_iter().filter(|u| !done.contains(&key_of(u))).collect();
    let mut ledger = Ledger::open(attempt, &before)?;
    let run = attempt.run_dir().file_name().map(|n| n.to_string_lossy().into_owned());
    let mut desk = Desk::new(&open, &existing, &before, &settings);
    let maker =
        Maker { provider: model.name(), version: translations.version(), run, seed: settings.seed };
    let calls: Vec<usize> = (0..open.len()).collect();
    let mut asking = Asking { model, ledger: &mut ledger, progress };
    asking.wave(
        "translations",
        &calls,
        0,
        |&i| {
            let u = &open[i];
            translations.request(&u.text, u.form, &u.source, &u.target, settings.seed)
        },
        |&i, answer, ledger| {
            let reply = answer.as_ref().ok().map(|r| r.key.clone());
            let group = desk.put(i, &open[i], translations.read(&answer), reply);
            let Some(group) = group else { return Ok(()) };
            let mut samples = Vec::with_capacity(group.len());
            for (i, (item, reply)) in group {
                samples.push(desk.judge(&maker, &open[i], item, reply)?);
            }
            Ok(ledger.write(&samples)?)
        },
    )?;
    let summary = ledger.close()?;
    attempt.write_json("summary.json", &summary)?;
    Ok(summary)
}

/// What is the same for all samples of a run.
struct Maker {
    provider: String,
    version: String,
    run: Option<String>,
    seed: u64,
}

type Heard = (Item, Option<String>);

/// Texts of one seed in one language, judged together once all are there.
struct Desk {
    waiting: BTreeMap<(QuestionId, String), BTreeMap<usize, Option<Heard>>>,
    siblings: BTreeMap<(QuestionId, String), Siblings>,
    ids: BTreeSet<SampleId>,
    edits: usize,
}

impl Desk {
    fn new(
        open: &[Unit],
        existing: &[Sample],
        before: &[Sample],
        settings: &TranslateSettings,
    ) -> Self {
        let mut desk = Self {
            waiting: BTreeMap::new(),
            siblings: BTreeMap::new(),
            ids: existing.iter().chain(before).map(|s| s.id.clone()).collect(),
            edits: settings.near_duplicate_edits,
        };
        for (i, u) in open.iter().enumerate() {
            let group = (u.seed.clone(), u.target.clone());
            desk.waiting.entry(group).or_default().insert(i, None);
        }
        for s in existing.iter().chain(before).filter(|s| s.decision == Decision::Kept) {
            desk.of(&s.seed, &s.language).keep(Reading::new(&s.text));
        }
        desk
    }

    fn of(&mut self, seed: &QuestionId, language: &str) -> &mut Siblings {
        let edits = self.edits;
        self.siblings
            .entry((seed.clone(), language.to_owned()))
            .or_insert_with(|| Siblings::new(edits))
    }

    /// Puts a text in its place; all of its group, in order, once they are there.
    fn put(
        &mut self,
        i: usize,
        unit: &Unit,
        item: Item,
        reply: Option<String>,
    ) -> Option<Vec<(usize, Heard)>> {
        let group = (unit.seed.clone(), unit.target.clone());
        let waiting = self.waiting.get_mut(&group)?;
        *waiting.get_mut(&i)? = Some((item, reply));
        if waiting.values().any(Option::is_none) {
            return None;
        }
        let all = self.waiting.remove(&group)?;
        Some(all.into_iter().filter_map(|(i, heard)| Some((i, heard?))).collect())
    }

    fn judge(
        &mut self,
        maker: &Maker,
        unit: &Unit,
        item: Item,
        reply: Option<String>,
    ) -> Result<Sample, AugmentError> {
        let (text, decision) = match item {
            Ok(t) => {
                let text = crate::text::nfc(t.trim()).into_owned();
                let reading = Reading::new(&text);
                let siblings = self.of(&unit.seed, &unit.target);
                let reason = check(unit, &text).or_else(|| siblings.check(&reading));
                if reason.is_none() {
                    siblings.keep(reading);
                }
                (text, reason.map_or(Decision::Kept, Decision::Rejected))
            }
            Err(fault) => (String::new(), Decision::Failed(fault)),
        };
        let key = if matches!(decision, Decision::Failed(_)) {
            let parent = unit.parent.as_ref().map_or("", SampleId::as_str);
            let run = maker.run.as_deref().unwrap_or_default();
            format!("{}\u{1f}translation\u{1f}{parent}\u{1f}{run}", maker.seed)
        } else {
            text.clone()
        };
        let id = sample_id(&unit.seed, &unit.target, &key)
            .map_err(|e| AugmentError::Settings(e.to_string()))?;
        Ok(Sample {
            id: self.distinct(&id),
            seed: unit.seed.clone(),
            language: unit.target.clone(),
            text,
            stage: Stage::Translation,
            similarity: None,
            decision,
            provenance: Provenance {
                provider: maker.provider.clone(),
                version: maker.version.clone(),
                run: maker.run.clone(),
                template: Some("translate".into()),
                family: unit.family.clone(),
                held_out: unit.held_out,
                parent: unit.parent.clone(),
                substitutions: Vec::new(),
                seed: maker.seed,
                reply,
            },
        })
    }

    /// Two units may have one translation: each is a proposal of its own.
    fn distinct(&mut self, id: &SampleId) -> SampleId {
        let mut out = id.clone();
        let mut again = 2;
        while !self.ids.insert(out.clone()) {
            if let Ok(next) = SampleId::new(format!("{id}.{again}")) {
                out = next;
            }
            again += 1;
        }
        out
    }
}
