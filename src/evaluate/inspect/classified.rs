//! Classification: items with their gold label and what was read, the confusion matrix, replies.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::{
    Aim, Comparison, ConfusionTable, Document, Fate, ItemRow, Items, PairItem, Section, undefined,
};
use crate::evaluate::EvaluateError;
use crate::evaluate::classify::parser::Parser;
use crate::evaluate::classify::{
    ClassifyError, ClassifyPlan, Golds, Items as Texts, Outcome, PlannedSet, ReplyFilter,
    ResultLine, read_results, single_replies,
};
use crate::job::Attempt;
use crate::stats::bootstrap::Resampling;
use crate::stats::classification::{Answered, Texts as Joint};

type Lines = BTreeMap<(usize, u32), ResultLine>;

struct Run {
    plan: ClassifyPlan,
    last: Attempt,
    attempts: Vec<Attempt>,
}

fn open(run_dir: &Path) -> Result<Run, EvaluateError> {
    let last = super::last(run_dir)?;
    let plan = ClassifyPlan::read(&last)?.plan;
    Ok(Run { plan, last, attempts: super::attempts(run_dir)? })
}

impl Run {
    /// The sets behind a cell.
    fn sets(&self, aim: &Aim) -> Vec<usize> {
        let kind = aim.split.strip_prefix("kind:");
        let of = |s: &PlannedSet| match (aim.split.as_str(), kind) {
            (_, Some(kind)) => s.task.kind.as_str() == kind,
            ("mean", None) => aim.column == "all" || s.task.culture == aim.column,
            (split, None) => split.starts_with("all:") || s.task.name == split,
        };
        self.plan.sets.iter().enumerate().filter(|(_, s)| of(s)).map(|(i, _)| i).collect()
    }

    /// The lines of a model on these sets. The last line of an item is the one that counts.
    fn lines(&self, model: &str, sets: &[usize]) -> Result<Lines, EvaluateError> {
        if !self.plan.models.iter().any(|m| m == model) {
            return Err(EvaluateError::BadPlan(format!(
                "`{model}` needs no model and gave no replies: its figures come from the gold labels"
            )));
        }
        let by_name: HashMap<&str, usize> =
            sets.iter().map(|i| (self.plan.sets[*i].task.name.as_str(), *i)).collect();
        let mut out = Lines::new();
        for a in &self.attempts {
            read_results(&a.file("results.jsonl"), |line| {
                if line.model == model
                    && let Some(s) = by_name.get(line.task.as_str())
                {
                    out.insert((*s, line.item), line);
                }
                Ok(())
            })?;
        }
        Ok(out)
    }
}

fn fate(line: &ResultLine) -> Fate {
    match line.outcome {
        Outcome::Label if line.label.as_deref() == Some(line.gold.as_str()) => Fate::Right,
        Outcome::Label => Fate::Wrong,
        Outcome::Refusal => Fate::Refused,
        Outcome::Invalid => Fate::Invalid,
        Outcome::Unanswered => Fate::Missing,
    }
}

fn said(line: &ResultLine) -> String {
    match (&line.label, &line.why) {
        (Some(label), _) => label.clone(),
        (None, Some(why)) if line.outcome != Outcome::Refusal => why.clone(),
        _ => fate(line).word().to_owned(),
    }
}

pub(super) fn items(run_dir: &Path, aim: &Aim) -> Result<Items, EvaluateError> {
    let run = open(run_dir)?;
    let sets = run.sets(aim);
    let lines = run.lines(&aim.model, &sets)?;
    let rows = lines
        .iter()
        .map(|((s, item), line)| {
            let task = &run.plan.sets[*s].task;
            ItemRow {
                key: format!("{} {item}", task.name),
                part: task.name.clone(),
                gold: line.gold.clone(),
                said: said(line),
                score: None,
                baseline: None,
                fate: fate(line),
            }
        })
        .collect();
    let confusion = match sets.as_slice() {
        [one] => Some(confusion(&run.plan.sets[*one], &lines)?),
        _ => None,
    };
    let note = match sets.len() {
        0 | 1 => String::new(),
        n => format!("{n} sets: the confusion matrix is shown for one set at a time"),
    };
    Ok(Items { unit: "item", rows, confusion, note })
}

fn confusion(set: &PlannedSet, lines: &Lines) -> Result<ConfusionTable, EvaluateError> {
    let labels = Parser::of(&set.task, set.parser)?.labels().to_vec();
    let n = labels.len();
    let mut counts = vec![vec![0; n + 2]; n];
    let place = |l: &str| labels.iter().position(|x| x == l);
    for line in lines.values() {
        let Some(row) = place(&line.gold).and_then(|i| counts.get_mut(i)) else { continue };
        let column = match (&line.label, line.outcome) {
            (Some(l), Outcome::Label) => place(l).unwrap_or(n + 1),
            (_, Outcome::Refusal) => n,
            _ => n + 1,
        };
        row[column] += 1;
    }
    let columns =
        labels.iter().cloned().chain(["refused".to_owned(), "invalid".to_owned()]).collect();
    Ok(ConfusionTable { labels, columns, counts })
}

pub(super) fn document(
    run_dir: &Path,
    aim: &Aim,
    key: &str,
    show: bool,
) -> Result<Document, EvaluateError> {
    let run = open(run_dir)?;
    let (task, item) = key.rsplit_once(' ').ok_or_else(|| super::no_item(key))?;
    let set = run.plan.sets.iter().find(|s| s.task.name == task);
    let set = set.ok_or_else(|| super::no_item(key))?;
    let filter = ReplyFilter {
        task: Some(task.to_owned()),
        model: Some(aim.model.clone()),
        item: Some(item.parse().map_err(|_| super::no_item(key))?),
        limit: Some(1),
        ..ReplyFilter::default()
    };
    let found = single_replies(run_dir, &filter, true)?.pop().ok_or_else(|| super::no_item(key))?;
    let hidden = set.task.kind.may_abuse();
    let visible = show || !hidden;
    let text = found.text.unwrap_or_default();
    let prompt = set.request(&text, run.plan.max_tokens);
    let prompt: Vec<String> = prompt.messages.into_iter().map(|m| m.content).collect();
    let line = &found.line;
    let mut sections = vec![
        Section::new("Gold label", line.gold.clone()),
        Section::new("Read as", format!("{} ({})", said(line), fate(line).word())),
    ];
    // A reply of a few letters is a label; a longer one may quote the text.
    let short = found.length <= 24;
    if let Some(said) = found.said {
        sections.push(Section::new("Reply", said).unless(visible || short));
    }
    sections.push(Section::new("Text", text).unless(visible));
    sections.push(Section::new("Prompt in full", prompt.join("\n\n")).unless(visible));
    if let Some(logs) = &line.log_probs {
        let words = set.task.labels.iter().zip(logs);
        let words: Vec<String> = words.map(|(l, p)| format!("{} {p:.3}", l.say)).collect();
        sections.push(Section::new("Log-probabilities", words.join("\n")));
    }
    if let Some(key) = &line.reply {
        sections.push(Section::new("Key in the reply store", key.clone()));
    }
    Ok(Document {
        title: format!("{key} · {}", aim.model),
        language: set.task.language.clone(),
        may_abuse: hidden,
        sections,
    })
}

pub(super) fn compare(run_dir: &Path, aim: &Aim, with: &str) -> Result<Comparison, EvaluateError> {
    let run = open(run_dir)?;
    let sets = run.sets(aim);
    let (a, b) = (run.lines(&aim.model, &sets)?, run.lines(with, &sets)?);
    let mut items = Vec::new();
    let mut sizes = Vec::new();
    let mut groups: HashMap<u64, Vec<Answered>> = HashMap::new();
    for (at, s) in sets.iter().enumerate() {
        let set = &run.plan.sets[*s];
        let parser = Parser::of(&set.task, set.parser)?;
        let n = parser.labels().len();
        sizes.push(n);
        let of = |l: &ResultLine| {
            let label = l.label.as_deref().filter(|_| l.outcome == Outcome::Label);
            label.and_then(|x| parser.gold(x)).unwrap_or(n) as u32
        };
        let texts = Texts::open(&run.last.input(&set.data), &set.task)?;
        for (i, gold, text) in Golds::read(texts, &parser, set.parser)?.scored() {
            let id = (*s, u32::try_from(i).unwrap_or(u32::MAX));
            let (Some(x), Some(y)) = (a.get(&id), b.get(&id)) else { continue };
            let gold = gold.unwrap_or(n) as u32;
            let answered = Answered { set: at as u32, gold, said: [of(x), of(y)] };
            groups.entry(text).or_default().push(answered);
            let right = |l: &ResultLine| f64::from(u8::from(fate(l) == Fate::Right));
            items.push(PairItem {
                key: format!("{} {i}", set.task.name),
                part: set.task.name.clone(),
                gold: x.gold.clone(),
                a: said(x),
                b: said(y),
                diff: right(x) - right(y),
            });
        }
    }
    let mut out = Comparison {
        a: aim.model.clone(),
        b: with.to_owned(),
        metric: "macro-f1".into(),
        unit: "item".into(),
        wins: super::tally(&items),
        test: "exchanging the two replies to a text, two-sided",
        ..Comparison::default()
    };
    if items.is_empty() {
        out.note = "they have no item in common".into();
        return Ok(out);
    }
    let what = format!("{} against {with}", aim.model);
    let mut joint = Joint::new(&sizes).map_err(undefined(&what))?;
    for group in groups.into_values() {
        joint.add(group).map_err(undefined(&what))?;
    }
    let how = Resampling { draws: run.plan.mean_draws, ..Resampling::seeded(run.plan.seed) };
    let c = joint.compare("text", &how, run.plan.swaps).map_err(undefined(&what))?;
    out.diff = Some(c.difference.value);
    out.ci = c.difference.interval.map(|i| [i.lo, i.hi]);
    out.p = Some(c.p);
    out.note =
        "win: the first is right and the second is not; the difference is of macro-F1".into();
    out.items = items;
    Ok(out)
}

impl From<ClassifyError> for EvaluateError {
    fn from(e: ClassifyError) -> Self {
        Self::Job(e.into())
    }
}
