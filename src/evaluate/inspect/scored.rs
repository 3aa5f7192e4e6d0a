//! Survey: questions, the shares of every option beside people's, prompts.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::drawn::Drawn;
use super::{Aim, Comparison, Document, Fate, ItemRow, Items, PairItem, Section, undefined};
use crate::domain::prompt::{Prompt, render};
use crate::domain::{
    Culture, CultureId, Question, QuestionId, ResourceLevel, Split, Survey, TestText,
};
use crate::evaluate::aggregate::{ArmScores, CellId};
use crate::evaluate::rows::{ALL_CULTURES, SHARED};
use crate::evaluate::{
    Baseline, EvaluateError, Framing, LockedPlan, Metric, Plan, PlannedModel, Reference,
    ResultLine, aggregate, baseline_cells, drawn_ceiling,
};
use crate::job::{JobError, read_jsonl};
use crate::stats::bootstrap::{Resampling, Seeded, nested_difference};
use crate::stats::significance::{Alternative, sign_flip};

/// Sign flips where there are too many patterns to enumerate.
const FLIPS: usize = 20_000;

struct Run {
    plan: Plan,
    survey: Survey,
    texts: Vec<TestText>,
    lines: Vec<ResultLine>,
}

fn read(run_dir: &Path) -> Result<Run, EvaluateError> {
    let attempts = super::attempts(run_dir)?;
    let last = super::last(run_dir)?;
    let text = |name: &str| {
        let path = last.input(name);
        std::fs::read_to_string(&path).map_err(JobError::io(path))
    };
    let locked = LockedPlan::read(&text("plan.json")?, &text("plan.sha256")?)?;
    let mut texts: Vec<TestText> = read_jsonl(&last.input("texts.jsonl"))?;
    texts.retain(|t| locked.plan.splits.contains(&t.split));
    let mut lines = Vec::new();
    for a in &attempts {
        lines.extend(read_jsonl(&a.file("results.jsonl"))?);
    }
    Ok(Run { plan: locked.plan, survey: last.read_input("survey.json")?, texts, lines })
}

/// Scores of a row of the table, model or baseline.
fn arm(
    run: &Run,
    reference: &Reference<'_>,
    name: &str,
    split: Split,
) -> Result<ArmScores, EvaluateError> {
    let Run { plan, texts, lines, .. } = run;
    if let Some(b) = Baseline::ALL.into_iter().find(|b| b.label() == name) {
        return baseline_cells(b, split, reference, texts, &plan.trained_questions, plan.seed);
    }
    if name.contains("draws a prompt")
        && let Some(ceiling) = drawn_ceiling(split, reference, texts, plan)?
    {
        return Ok(ceiling);
    }
    let arms = aggregate(plan, reference, texts, lines)?;
    arms.into_iter().find(|a| a.arm == name && a.split == Some(split)).ok_or_else(|| {
        EvaluateError::BadPlan(format!("the run has no row `{name}` on {}", split.as_str()))
    })
}

/// What the metric of a cell is worked out from.
fn metric_of(aim: &Aim) -> (Metric, String) {
    match aim.metric.parse::<Metric>() {
        Ok(m) => (m, String::new()),
        Err(_) => (
            Metric::Jsd,
            format!("{} is a figure over all questions: theirs are 1-jsd", aim.metric),
        ),
    }
}

fn wanted(run: &Run, reference: &Reference<'_>, column: &str) -> impl Fn(&CellId) -> bool {
    let shared = reference.shared_questions();
    let level = |l: ResourceLevel| -> Vec<CultureId> {
        let of =
            run.survey.cultures.iter().filter(|c| ResourceLevel::of_language(&c.language) == l);
        of.map(|c| c.id.clone()).collect()
    };
    let group = [ResourceLevel::High, ResourceLevel::Low]
        .into_iter()
        .find(|l| l.label() == column)
        .map(level);
    let column = column.to_owned();
    move |(c, q)| match (&group, column.as_str()) {
        (Some(group), _) => group.contains(c),
        (None, ALL_CULTURES) => true,
        (None, SHARED) => shared.contains(q),
        (None, one) => c.as_str() == one,
    }
}

/// By question: mean over cultures, one value a training seed.
fn by_question(
    arm: &ArmScores,
    metric: Metric,
    keep: &dyn Fn(&CellId) -> bool,
) -> BTreeMap<QuestionId, Vec<f64>> {
    let mut sums: BTreeMap<QuestionId, (Vec<f64>, f64)> = BTreeMap::new();
    for (id, values) in arm.cells.get(&metric).into_iter().flatten().filter(|(id, _)| keep(id)) {
        let (sum, n) = sums.entry(id.1.clone()).or_insert_with(|| (vec![0.0; values.len()], 0.0));
        sum.iter_mut().zip(values).for_each(|(s, v)| *s += v);
        *n += 1.0;
    }
    sums.into_iter().map(|(q, (s, n))| (q, s.into_iter().map(|x| x / n).collect())).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The option with the largest share, as its label.
fn top(question: &Question, shares: &[f64]) -> String {
    let best = (0..shares.len()).max_by(|a, b| shares[*a].total_cmp(&shares[*b]).then(b.cmp(a)));
    // Shares are by rank, which follows the codes; options are printed in an order of their own.
    let code = best.and_then(|rank| question.scale.codes().get(rank));
    code.and_then(|c| question.scale.label(*c)).unwrap_or_default().to_owned()
}

/// Mean over training seeds.
fn shares_of(arm: &ArmScores, id: &CellId) -> Option<Vec<f64>> {
    let by_seed = arm.shares.get(id)?;
    let n = by_seed.len().max(1) as f64;
    let first = by_seed.first()?;
    Some((0..first.len()).map(|i| by_seed.iter().map(|s| s[i]).sum::<f64>() / n).collect())
}

fn split_of(aim: &Aim) -> Result<Split, EvaluateError> {
    Ok(aim.split.parse()?)
}

pub(super) fn items(run_dir: &Path, aim: &Aim) -> Result<Items, EvaluateError> {
    let run = read(run_dir)?;
    let reference = Reference::new(&run.survey, &run.plan.cultures);
    let split = split_of(aim)?;
    let (metric, note) = metric_of(aim);
    let own = arm(&run, &reference, &aim.model, split)?;
    let mixture = arm(&run, &reference, Baseline::MixtureOfOthers.label(), split)?;
    let keep = wanted(&run, &reference, &aim.column);
    let base = by_question(&mixture, metric, &keep);
    let culture = run.survey.cultures.iter().find(|c| c.id.as_str() == aim.column);
    let rows = by_question(&own, metric, &keep)
        .into_iter()
        .filter_map(|(q, values)| {
            let question = run.survey.question(&q)?;
            let id = culture.map(|c| (c.id.clone(), q.clone()));
            let truth = id.as_ref().and_then(|(c, q)| reference.truth(c, q));
            let said = id.as_ref().and_then(|id| shares_of(&own, id));
            Some(ItemRow {
                key: q.to_string(),
                part: question.text.clone(),
                gold: truth.map_or_else(String::new, |t| top(question, t.shares())),
                said: said.map_or_else(String::new, |s| top(question, &s)),
                score: Some(mean(&values)),
                baseline: base.get(&q).map(|v| mean(v)),
                fate: Fate::Scored,
            })
        })
        .collect();
    Ok(Items { unit: "question", rows, confusion: None, note })
}

pub(super) fn document(run_dir: &Path, aim: &Aim, key: &str) -> Result<Document, EvaluateError> {
    let run = read(run_dir)?;
    let reference = Reference::new(&run.survey, &run.plan.cultures);
    let split = split_of(aim)?;
    let id: QuestionId = key.parse()?;
    let question = run.survey.question(&id).ok_or_else(|| super::no_item(key))?;
    let own = arm(&run, &reference, &aim.model, split)?;
    let (metric, _) = metric_of(aim);
    let mut sections = vec![Section::new("Question", question.text.clone())];
    let cells = own.cells.get(&metric);
    let cultures: Vec<&Culture> = reference
        .cultures()
        .iter()
        .copied()
        .filter(|c| reference.truth(&c.id, &id).is_some())
        .collect();
    let one = cultures.iter().find(|c| c.id.as_str() == aim.column).copied();
    let mut scores = String::new();
    for c in &cultures {
        let cell = (c.id.clone(), id.clone());
        if let Some(v) = cells.and_then(|m| m.get(&cell)) {
            let _ = writeln!(scores, "{:.3}  {} ({})", mean(v), c.name, c.id);
        }
    }
    sections.push(Section::new(format!("{} by culture", metric.as_str()), scores));
    if let Some(c) = one.or_else(|| cultures.first().copied()) {
        let cell = (c.id.clone(), id.clone());
        sections.push(Section::new(
            format!("Answers: people of {} and {}", c.place, aim.model),
            shares(question, &reference, &own, &cell),
        ));
        let put = prompts(&mut sections, &run, aim, c, question, split);
        let attempts = super::attempts(run_dir)?;
        for (model, prompts) in put {
            if let Some(drawn) = Drawn::of(&attempts, model)? {
                sections.extend(drawn.sections(question, &prompts)?);
            }
        }
    }
    Ok(Document {
        title: format!("{id} · {}", aim.model),
        language: question.language.clone(),
        may_abuse: false,
        sections,
    })
}

fn shares(
    question: &Question,
    reference: &Reference<'_>,
    own: &ArmScores,
    cell: &CellId,
) -> String {
    let truth = reference.truth(&cell.0, &cell.1);
    let said = shares_of(own, cell);
    let percent = |s: Option<f64>| s.map_or("    -".into(), |x| format!("{:>5.1}", 100.0 * x));
    let mut out = "people % model %\n".to_owned();
    for o in question.scale.options() {
        let Some(rank) = question.scale.rank(o.code) else { continue };
        let people = truth.and_then(|t| t.shares().get(rank).copied());
        let model = said.as_ref().and_then(|s| s.get(rank).copied());
        let _ =
            writeln!(out, "{}    {}    {} {}", percent(people), percent(model), o.code, o.label);
    }
    out
}

/// Prompts with what they are called.
type Named = Vec<(String, Prompt)>;

/// The texts that were put, what each prompt form made of them, and one prompt in full. Gives the
/// prompts of each model of the row.
fn prompts<'r>(
    sections: &mut Vec<Section>,
    run: &'r Run,
    aim: &Aim,
    culture: &Culture,
    question: &Question,
    split: Split,
) -> Vec<(&'r PlannedModel, Named)> {
    let base = aim.model.trim_end_matches(", own culture").trim_end_matches(", foreign cultures");
    let mut said = String::new();
    let mut example = None;
    let mut put = Vec::new();
    for model in run.plan.models.iter().filter(|m| m.arm == base) {
        let key = model.key();
        let mut named_prompts = Named::new();
        for text in run.texts.iter().filter(|t| t.split == split && t.question == question.id) {
            let lines = run.lines.iter().filter(|l| l.model == key && l.text_id == text.text_id);
            for line in lines {
                let Some(scores) = line.cultures.iter().find(|c| c.culture == culture.id) else {
                    continue;
                };
                for (v, s) in line.variants.iter().zip(&scores.scores) {
                    let best = s
                        .distribution()
                        .map_or_else(|_| "none".into(), |d| top(question, d.shares()));
                    let _ = writeln!(
                        said,
                        "{} · {} {:?}: {best} (listed mass {:.2}; {})",
                        text.text_id,
                        v.form.as_str(),
                        v.order,
                        s.listed_mass(),
                        line.method
                    );
                    // What a context or a made-up culture made of it is not put together again.
                    if model.changed.is_none()
                        && matches!(model.framing, Framing::Named | Framing::Blind)
                    {
                        let named = (model.framing == Framing::Named
                            && !run.plan.culture_blind.contains(&model.arm))
                        .then_some(culture);
                        let prompt = render(question, &text.text, named, *v);
                        let name = format!("{} · {} {:?}", text.text_id, v.form.as_str(), v.order);
                        named_prompts.push((name, prompt.clone()));
                        example = example.or(Some(prompt));
                    }
                }
            }
        }
        put.push((model, named_prompts));
    }
    if let Some(p) = example {
        let text = if p.system.is_empty() { p.user } else { format!("{}\n\n{}", p.system, p.user) };
        sections.push(Section::new("First prompt", text));
        sections.push(Section::new("Answers that were scored", p.answers.join(" | ")));
    }
    if !said.is_empty() {
        sections.push(Section::new("Likeliest answer of each prompt", said));
    }
    put
}

pub(super) fn compare(run_dir: &Path, aim: &Aim, with: &str) -> Result<Comparison, EvaluateError> {
    let run = read(run_dir)?;
    let reference = Reference::new(&run.survey, &run.plan.cultures);
    let split = split_of(aim)?;
    let (metric, note) = metric_of(aim);
    let (a, b) = (arm(&run, &reference, &aim.model, split)?, arm(&run, &reference, with, split)?);
    let keep = wanted(&run, &reference, &aim.column);
    let empty = BTreeMap::new();
    let (ca, cb) = (a.cells.get(&metric).unwrap_or(&empty), b.cells.get(&metric).unwrap_or(&empty));
    let both = |id: &CellId| keep(id) && ca.contains_key(id) && cb.contains_key(id);
    let (qa, qb) = (by_question(&a, metric, &both), by_question(&b, metric, &both));
    // Less is better for distances: the sign says who is better all the same.
    let sign = if metric == Metric::Wasserstein { -1.0 } else { 1.0 };
    let items: Vec<PairItem> = qa
        .iter()
        .zip(qb.values())
        .map(|((q, x), y)| PairItem {
            key: q.to_string(),
            part: run.survey.question(q).map_or_else(String::new, |q| q.text.clone()),
            gold: String::new(),
            a: format!("{:.3}", mean(x)),
            b: format!("{:.3}", mean(y)),
            diff: sign * (mean(x) - mean(y)),
        })
        .collect();
    let mut out = Comparison {
        a: aim.model.clone(),
        b: with.to_owned(),
        metric: metric.as_str().into(),
        unit: "question".into(),
        wins: super::tally(&items),
        test: "two-sided sign flips over questions",
        note,
        items,
        ..Comparison::default()
    };
    if qa.is_empty() {
        out.note = "they have no question in common".into();
        return Ok(out);
    }
    let what = format!("{} against {with}", aim.model);
    let seeded = |rows: &BTreeMap<QuestionId, Vec<f64>>| {
        Seeded::from_rows(&rows.values().cloned().collect::<Vec<_>>()).map_err(undefined(&what))
    };
    let (sa, sb) = (seeded(&qa)?, seeded(&qb)?);
    let how = Resampling { draws: run.plan.draws, ..Resampling::seeded(run.plan.seed) };
    let e = nested_difference(&sa, &sb, "question", &how).map_err(undefined(&what))?;
    let d: Vec<f64> = sa.unit_means().iter().zip(sb.unit_means()).map(|(x, y)| x - y).collect();
    let test =
        sign_flip(&d, Alternative::TwoSided, FLIPS, run.plan.seed).map_err(undefined(&what))?;
    out.diff = Some(sign * e.value);
    out.ci = e.interval.map(|i| if sign < 0.0 { [-i.hi, -i.lo] } else { [i.lo, i.hi] });
    out.p = Some(test.p);
    Ok(out)
}
