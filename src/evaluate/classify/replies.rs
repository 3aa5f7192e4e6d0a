//! Single replies of a run, opened later: the item, its gold label, what was read, and the raw
//! reply from the reply store.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use serde::Serialize;

use super::ClassifyError;
use super::data::Items;
use super::plan::ClassifyPlan;
use super::results::{Outcome, ResultLine, read_results};
use crate::job::Attempt;
use crate::providers::ProviderError;
use crate::providers::replies::{reply_text, stores_of};

/// Which replies are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplyFilter {
    /// Of this task.
    pub task: Option<String>,
    /// By this model.
    pub model: Option<String>,
    /// This item.
    pub item: Option<u32>,
    /// Those whose label is not the gold one; refusals and invalid replies too.
    pub wrong: bool,
    /// Refusals.
    pub refused: bool,
    /// Replies that are no label.
    pub invalid: bool,
    /// At most so many; none is no limit.
    pub limit: Option<usize>,
}

impl ReplyFilter {
    fn takes(&self, line: &ResultLine) -> bool {
        let any = self.wrong || self.refused || self.invalid;
        let is_wrong = line.label.as_deref() != Some(line.gold.as_str());
        self.task.as_ref().is_none_or(|t| *t == line.task)
            && self.model.as_ref().is_none_or(|m| *m == line.model)
            && self.item.is_none_or(|i| i == line.item)
            && (!any
                || self.wrong && is_wrong
                || self.refused && line.outcome == Outcome::Refusal
                || self.invalid && line.outcome == Outcome::Invalid)
    }
}

/// One reply.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SingleReply {
    /// What was written of it.
    #[serde(flatten)]
    pub line: ResultLine,
    /// The text that was labelled; `None` unless asked for, since it may be abusive.
    pub text: Option<String>,
    /// What the model said; `None` unless asked for where it is longer than a label, since it may
    /// quote the text.
    pub said: Option<String>,
    /// Characters of what the model said.
    pub length: usize,
}

/// Longest reply that is shown without being asked for: label words are shorter.
const SHORT: usize = 24;

/// The replies of a run by its folder. The last line of an item is the one that counts.
///
/// # Errors
/// It is no run over classification tasks; a file that cannot be read.
pub fn single_replies(
    run_dir: &Path,
    filter: &ReplyFilter,
    show_text: bool,
) -> Result<Vec<SingleReply>, ClassifyError> {
    let attempts = attempts(run_dir)?;
    let Some(last) = attempts.last() else {
        return Err(ClassifyError::Unknown(format!("{} has no attempt yet", run_dir.display())));
    };
    let plan = ClassifyPlan::read(last)?.plan;
    let mut lines: BTreeMap<(usize, usize, u32), ResultLine> = BTreeMap::new();
    let set_of = |name: &str| plan.sets.iter().position(|s| s.task.name == name);
    let model_of = |name: &str| plan.models.iter().position(|m| m == name);
    for attempt in &attempts {
        read_results(&attempt.file("results.jsonl"), |line| {
            if let Some((s, m)) = set_of(&line.task).zip(model_of(&line.model)) {
                lines.insert((s, m, line.item), line);
            }
            Ok(())
        })?;
    }
    let mut wanted: Vec<((usize, usize, u32), ResultLine)> =
        lines.into_iter().filter(|(_, l)| filter.takes(l)).collect();
    wanted.truncate(filter.limit.unwrap_or(usize::MAX));
    let texts = if show_text { texts(last, &plan, &wanted)? } else { BTreeMap::new() };
    let stores = stores_of(&attempts);
    wanted
        .into_iter()
        .map(|((set, _, item), line)| {
            let said = match &line.reply {
                Some(key) => reply_text(&stores, key).map_err(of_store)?,
                None => None,
            };
            let length = said.as_ref().map_or(0, |s| s.chars().count());
            Ok(SingleReply {
                text: texts.get(&(set, item)).cloned(),
                said: said.filter(|_| show_text || length <= SHORT),
                length,
                line,
            })
        })
        .collect()
}

fn attempts(run_dir: &Path) -> Result<Vec<Attempt>, ClassifyError> {
    let mut out = Vec::new();
    for n in 1.. {
        let dir = run_dir.join(format!("attempt-{n}"));
        if !dir.is_dir() {
            break;
        }
        out.push(Attempt::open(dir)?);
    }
    Ok(out)
}

/// The texts of the items that are shown: one pass over each file.
fn texts(
    attempt: &Attempt,
    plan: &ClassifyPlan,
    wanted: &[((usize, usize, u32), ResultLine)],
) -> Result<BTreeMap<(usize, u32), String>, ClassifyError> {
    let items: HashSet<(usize, u32)> = wanted.iter().map(|((s, _, i), _)| (*s, *i)).collect();
    let sets: BTreeSet<usize> = items.iter().map(|(s, _)| *s).collect();
    let mut out = BTreeMap::new();
    for s in sets {
        let set = &plan.sets[s];
        for item in Items::open(&attempt.input(&set.data), &set.task)? {
            let item = item?;
            if items.contains(&(s, item.number)) {
                out.insert((s, item.number), item.text);
            }
        }
    }
    Ok(out)
}

fn of_store(source: ProviderError) -> ClassifyError {
    ClassifyError::Provider { model: "reply store".into(), source, answered: false }
}
