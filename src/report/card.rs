//! The card of one model: what it grew from, what it was measured to do, and what not to use it
//! for (Mitchell et al., "Model Cards for Model Reporting", 2019).

use std::fmt::Write as _;

use thiserror::Error;

use super::markdown::{EVALUATION_HEAD, evaluation_row};
use crate::store::{EvaluationFilter, ModelRecord, Reader, StoreError};

/// A card that cannot be written.
#[derive(Debug, Error)]
pub enum CardError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The card as Markdown.
///
/// # Errors
/// The database cannot be read.
pub fn model_card(reader: Reader<'_>, m: &ModelRecord) -> Result<String, CardError> {
    let name = m.alias.clone().unwrap_or_else(|| m.id.to_string());
    let trained = &m.card["trained"];
    let base = base_of(m);
    let mut s = format!("# Model card: {name}\n\n");
    if base == "tiny" {
        s += "> A tiny model for demonstrations and tests. It knows nothing but the rows it was trained on.\n\n";
    }
    let _ = writeln!(s, "## What it is\n");
    let mut fact = |what: &str, value: String| {
        let _ = writeln!(s, "- {what}: {value}");
    };
    fact("Base", base.clone());
    fact(
        "Tuned for",
        m.card["about"]["culture"].as_str().unwrap_or("every culture of its dataset").to_owned(),
    );
    fact("Recipe", m.recipe["name"].as_str().unwrap_or("-").to_owned());
    fact("Training seed", m.card["about"]["seed"].to_string());
    fact("Optimiser steps", trained["step"].to_string());
    if let Some(loss) = trained["loss"].as_f64() {
        fact("Last training loss", format!("{loss:.4} nats a supervised answer"));
    }
    let device = &trained["device"];
    if let Some(gpu) = device["name"].as_str() {
        fact("Trained on", gpu.to_owned());
    } else if let Some(why) = device["instead"].as_str() {
        fact("Trained on", format!("the CPU, though it had a GPU: {why}"));
    }
    fact("Run", m.run.as_ref().map_or_else(|| "-".into(), ToString::to_string));
    fact("Checkpoint", m.checkpoint.clone().unwrap_or_else(|| "-".into()));
    fact("Registered", m.created.to_string());
    dataset(&mut s, reader, m)?;
    evaluations(&mut s, reader, m, &name)?;
    s += LIMITS;
    if let Some(toml) = m.recipe["toml"].as_str().filter(|t| !t.is_empty()) {
        let _ = writeln!(s, "\n## Recipe\n\n```toml\n{}\n```", toml.trim_end());
    }
    Ok(s)
}

/// What it was tuned from, as the recipe names it.
fn base_of(m: &ModelRecord) -> String {
    let toml = m.recipe["toml"].as_str().unwrap_or_default();
    let from = toml.parse::<toml::Table>().ok().and_then(|t| {
        let model = t.get("model")?.as_table()?;
        let word = |k: &str| model.get(k).and_then(|v| v.as_str()).map(str::to_owned);
        word("from").or_else(|| word("base"))
    });
    let elsewhere = ["base", "reference", "remote"].iter().find_map(|k| m.card[*k].as_str());
    from.or_else(|| elsewhere.map(str::to_owned)).unwrap_or_else(|| "tiny".into())
}

fn dataset(s: &mut String, reader: Reader<'_>, m: &ModelRecord) -> Result<(), CardError> {
    s.push_str("\n## What it was trained on\n\n");
    let record = match &m.dataset {
        Some(d) => reader.dataset(d)?,
        None => None,
    };
    let Some(d) = record else {
        s.push_str("Not in this workspace.\n");
        return Ok(());
    };
    let spec = &d.manifest["spec"];
    let _ = writeln!(
        s,
        "- Dataset `{}`: {} rows, label policy `{}`, checksum {}.",
        d.name,
        d.manifest["rows"],
        d.policy.as_str(),
        &d.sha256[..12.min(d.sha256.len())]
    );
    let _ = writeln!(
        s,
        "- Arm {}, texts {}.",
        spec["arm"]["arm"].as_str().unwrap_or("-"),
        spec["stages"].as_str().unwrap_or("-")
    );
    let held: Vec<&str> = spec["held_out_questions"]
        .as_array()
        .map(|a| a.iter().filter_map(|q| q.as_str()).collect())
        .unwrap_or_default();
    if !held.is_empty() {
        let _ = writeln!(s, "- Never trained on: {}.", held.join(", "));
    }
    let refused = d.manifest["refused"].as_array().map_or(0, Vec::len);
    if refused > 0 {
        let _ = writeln!(
            s,
            "- {refused} cells of culture and question are not in it: not asked, or options not offered."
        );
    }
    let _ = writeln!(
        s,
        "- Answers: World Values Survey wave 7 (doi 10.14281/18241.24), {}. Respondents' rows are not part of the model.",
        d.manifest["weighting"]
            .as_array()
            .map(|w| w.iter().filter_map(|x| x.as_str()).collect::<Vec<_>>().join(", "))
            .unwrap_or_default()
    );
    Ok(())
}

fn evaluations(
    s: &mut String,
    reader: Reader<'_>,
    m: &ModelRecord,
    name: &str,
) -> Result<(), CardError> {
    s.push_str("\n## What it was measured to do\n\n");
    let mut names = vec![name.to_owned(), m.id.to_string(), format!("run:{}", m.id)];
    names.dedup();
    let mut found = false;
    for e in reader.evaluations()? {
        // An arm of several training seeds is printed under its own label: the plan says which
        // models it is made of.
        let mut labels = names.clone();
        for planned in e.plan["models"].as_array().into_iter().flatten() {
            let is_it = planned["reference"].as_str().is_some_and(|r| names.iter().any(|n| n == r));
            if let (true, Some(arm)) = (is_it, planned["arm"].as_str()) {
                labels.push(arm.to_owned());
                labels.push(format!("{arm}, own culture"));
            }
        }
        let filter = EvaluationFilter { by_question: Some(false), ..EvaluationFilter::default() };
        let rows: Vec<_> = reader
            .evaluation_rows(&e.id, &filter)?
            .into_iter()
            .filter(|r| r.culture.is_none() && labels.contains(&r.model))
            .collect();
        if rows.is_empty() {
            continue;
        }
        found = true;
        let _ = writeln!(
            s,
            "{} ({}), plan {} locked before scoring:\n",
            e.task,
            e.id,
            &e.plan_sha256[..12.min(e.plan_sha256.len())]
        );
        s.push_str(EVALUATION_HEAD);
        rows.iter().for_each(|r| evaluation_row(s, r));
        s.push('\n');
    }
    if !found {
        let _ = writeln!(s, "Nothing yet: `polyculture evaluate --model {name} --wait`.");
    }
    Ok(())
}

const LIMITS: &str = "\n## What not to use it for\n\n\
- A culture here is the mean of survey answers in its countries, in one wave. It is not what any \
one person thinks; within every culture people differ more than cultures differ from each other on \
most questions.\n\
- It must not judge, rank or speak for people, nor infer a person's views from a language or a \
place.\n\
- A gain over the base model is a gain only beside the controls: a foreign culture's name, a \
made-up culture's name, the mixture of the other cultures (`polyculture compare --controls`).\n";
