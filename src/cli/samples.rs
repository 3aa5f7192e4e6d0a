//! `polyculture samples ..`: look at what grew from the seeds, and decide on it.

use std::fs::File;
use std::io::{BufWriter, Write};

use serde_json::json;

use super::args::{DecisionArg, SamplesCommand};
use super::output::{note, table};
use super::{Context, Failure};
use crate::config::who;
use crate::domain::{Decision, RejectReason, Sample, SampleId};
use crate::store::{DecisionKind, SampleCursor, SampleFilter, SampleRow};
use crate::text;

/// Width to which texts are cut in lists; `--json` and `show` have them whole.
const TEXT_CELLS: usize = 72;

impl From<DecisionArg> for DecisionKind {
    fn from(d: DecisionArg) -> Self {
        match d {
            DecisionArg::Kept => Self::Kept,
            DecisionArg::Rejected => Self::Rejected,
            DecisionArg::Failed => Self::Failed,
        }
    }
}

/// Runs one of the commands.
///
/// # Errors
/// Unknown samples, a workspace that cannot be used, files that cannot be read or written.
pub fn run(ctx: &Context, command: SamplesCommand) -> Result<(), Failure> {
    match command {
        SamplesCommand::Import { file, encoder } => {
            super::samples_import::run(ctx, &file, encoder.as_deref())
        }
        SamplesCommand::List { seed, decision, stage, language, limit, after } => {
            let filter = SampleFilter {
                seed,
                decision: decision.map(Into::into),
                stage,
                language,
                ..SampleFilter::default()
            };
            list(ctx, &filter, limit, after.as_deref())
        }
        SamplesCommand::Show { id } => show(ctx, &id),
        SamplesCommand::Accept { ids } => decide(ctx, &ids, &Decision::Kept, ""),
        SamplesCommand::Reject { ids, note } => {
            let to = Decision::Rejected(RejectReason::ByHand { note: note.clone() });
            decide(ctx, &ids, &to, &note)
        }
        SamplesCommand::Edit { id, text } => edit(ctx, &id, &text),
        SamplesCommand::Export { decision, output } => {
            let filter =
                SampleFilter { decision: Some(decision.into()), ..SampleFilter::default() };
            let samples = ctx.read()?.read().all_samples(&filter)?;
            match output {
                Some(path) => {
                    let file = File::create(&path).map_err(|e| Failure::failed(e).file(&path))?;
                    write_jsonl(BufWriter::new(file), &samples)?;
                    note(&format!("{} samples written to {}", samples.len(), path.display()));
                    Ok(())
                }
                None => write_jsonl(std::io::stdout().lock(), &samples),
            }
        }
        SamplesCommand::Stats => super::samples_stats::run(ctx),
    }
}

fn list(
    ctx: &Context,
    filter: &SampleFilter,
    limit: usize,
    after: Option<&str>,
) -> Result<(), Failure> {
    let after: Option<SampleCursor> = after
        .map(|a| {
            serde_json::from_str(a)
                .map_err(|_| Failure::usage(format!("`{a}` is no `next` of a page")))
        })
        .transpose()?;
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let rows = ctx.read()?.read().samples(filter, after, limit)?;
    let next = if rows.len() == limit as usize {
        rows.last().map(|r| serde_json::to_string(&r.cursor())).transpose()?
    } else {
        None
    };
    let samples: Vec<&Sample> = rows.iter().map(|r| &r.sample).collect();
    ctx.out.list(&samples, next, || {
        if rows.is_empty() {
            return "No samples here. Grow some with `polyculture augment --wait`.".into();
        }
        let lines: Vec<Vec<String>> = samples
            .iter()
            .map(|s| {
                vec![
                    s.id.to_string(),
                    s.seed.to_string(),
                    s.stage.as_str().into(),
                    s.similarity.map_or_else(|| "-".into(), |x| format!("{:.3}", x.get())),
                    reason(&s.decision),
                    text::truncate(&text::display(&s.text), TEXT_CELLS).into_owned(),
                ]
            })
            .collect();
        table(&["sample", "seed", "stage", "similarity", "decision", "text"], &lines)
    })
}

fn reason(d: &Decision) -> String {
    match d {
        Decision::Rejected(r) => format!("rejected ({})", r.kind()),
        other => other.as_str().into(),
    }
}

fn row(ctx: &Context, id: &SampleId) -> Result<SampleRow, Failure> {
    ctx.read()?.read().sample(id)?.ok_or_else(|| unknown(id))
}

fn unknown(id: &SampleId) -> Failure {
    Failure::not_found(format!("no sample {id} in this workspace"))
        .hint("`polyculture samples list` shows the ids")
}

fn show(ctx: &Context, id: &SampleId) -> Result<(), Failure> {
    let row = row(ctx, id)?;
    let store = ctx.read()?;
    let history = store.read().decisions_of(id)?;
    let survey = store.read().survey()?;
    let doc =
        json!({"sample": row.sample, "by_hand": row.by_hand, "at": row.at, "history": history});
    ctx.out.show(&doc, || {
        let s = &row.sample;
        let p = &s.provenance;
        let mut out = String::new();
        if let Some(q) = survey.question(&s.seed) {
            out += &format!("seed      {}  {}\n", s.seed, text::display(&q.text));
        }
        out += &format!("sample    {}  {}\n", s.id, text::display(&s.text));
        out += &format!("stage     {}\n", s.stage.as_str());
        if let Some(x) = s.similarity {
            out += &format!("similar   {:.3}\n", x.get());
        }
        out += &match &s.decision {
            Decision::Kept => "decision  kept\n".to_owned(),
            Decision::Rejected(r) => {
                format!("decision  rejected: {}\n", text::display(&r.to_string()))
            }
            Decision::Failed(f) => format!("decision  failed: {f:?}\n"),
        };
        out += &format!(
            "made by   {} {}{}\n",
            p.provider,
            p.version,
            p.run.as_ref().map(|r| format!(", run {r}")).unwrap_or_default()
        );
        if let (Some(t), Some(f)) = (&p.template, &p.family) {
            out += &format!("template  {t} (family {f})\n");
        }
        if let Some(parent) = &p.parent {
            out += &format!("parent    {parent}\n");
        }
        for x in &p.substitutions {
            out += &format!(
                "exchanged {} -> {} ({})\n",
                text::display(&x.from),
                text::display(&x.to),
                x.rule
            );
        }
        for h in &history {
            out += &format!("{}  {}: {} -> {}\n", h.at, h.who, h.from.as_str(), h.to.as_str());
        }
        out
    })
}

fn decide(ctx: &Context, ids: &[SampleId], to: &Decision, words: &str) -> Result<(), Failure> {
    let mut store = ctx.write()?;
    for id in ids {
        let row = store.read().sample(id)?.ok_or_else(|| unknown(id))?;
        if *to == Decision::Kept {
            crate::augment::acceptable(&row.sample).map_err(Failure::usage)?;
        }
    }
    let done = store.write(|tx| {
        ids.iter().map(|id| tx.set_decision(id, to, &who(), words)).collect::<Result<Vec<_>, _>>()
    })?;
    ctx.out.list(&done, None, || format!("{} sample(s): {}", done.len(), to.as_str()))
}

fn edit(ctx: &Context, id: &SampleId, new: &str) -> Result<(), Failure> {
    let old = row(ctx, id)?.sample;
    let corrected = crate::augment::corrected(&old, new).map_err(Failure::usage)?;
    ctx.write()?.write(|tx| tx.edit_sample(id, &corrected, &who()))?;
    ctx.out.show(&corrected, || format!("{id} is now {}", corrected.id))
}

fn write_jsonl(mut to: impl Write, samples: &[Sample]) -> Result<(), Failure> {
    for s in samples {
        serde_json::to_writer(&mut to, s)?;
        to.write_all(b"\n")?;
    }
    Ok(to.flush()?)
}
