//! `polyculture robustness ..`: changed texts out, people's verdicts back.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::json;

use super::args_robustness::{PerturbArgs, RobustnessCommand};
use super::output::{note, table};
use super::{Context, Failure};
use crate::domain::RunId;
use crate::evaluate::robustness::{
    ChangeKind, PairVerdicts, TextPair, draw_pairs, perturb, perturb_seeds, read_texts,
    read_verdicts, write_pairs,
};
use crate::launch;
use crate::table::JsonlReader;

/// Runs one of the commands.
///
/// # Errors
/// A file that is not as expected, by its line; an unknown run.
pub fn run(ctx: &Context, command: RobustnessCommand) -> Result<(), Failure> {
    match command {
        RobustnessCommand::Perturb(a) => changed(ctx, &a),
        RobustnessCommand::Check { from, run, n, seed, output } => {
            let pairs = match (from, run) {
                (Some(path), _) => of_file(&path)?,
                (None, Some(run)) => of_run(ctx, &run)?,
                (None, None) => return Err(Failure::usage("give --from FILE or --run RUN")),
            };
            let drawn = draw_pairs(&pairs, n, seed);
            if drawn.is_empty() {
                return Err(Failure::bad_input("no text was changed: there is nothing to check"));
            }
            let file = File::create(&output).map_err(|e| Failure::failed(e).file(&output))?;
            write_pairs(&drawn, BufWriter::new(file))
                .map_err(|e| Failure::failed(e).file(&output))?;
            let doc = json!({"pairs": drawn.len(), "file": output});
            ctx.out.show(&doc, || {
                format!(
                    "{} pairs in {}: write yes, no or unsure into `verdict`, where yes means that the label still fits\n  then: polyculture robustness verdicts {}",
                    drawn.len(),
                    output.display(),
                    output.display()
                )
            })
        }
        RobustnessCommand::Verdicts { file } => {
            let v = read_verdicts(&file)?;
            ctx.out.show(&v, || verdict_lines(&v))
        }
    }
}

fn changed(ctx: &Context, a: &PerturbArgs) -> Result<(), Failure> {
    let pairs = match &a.file {
        Some(path) => {
            if a.changes.iter().any(|c| c.kind() == ChangeKind::Paraphrase) {
                return Err(Failure::usage(
                    "paraphrases of texts are made by a model: `evaluate --tasks robustness --paraphraser MODEL`",
                ));
            }
            perturb(&read_texts(path)?, &a.changes, a.seed, &a.wanted)
        }
        None => {
            let survey = ctx.read()?.read().survey()?;
            perturb_seeds(&survey.questions, &a.changes, a.seed)?
        }
    };
    let Some(path) = &a.output else { return lines(&pairs, std::io::stdout().lock()) };
    let file = File::create(path).map_err(|e| Failure::failed(e).file(path))?;
    lines(&pairs, BufWriter::new(file))?;
    let untouched = pairs.iter().filter(|p| p.text == p.original).count();
    note(&format!(
        "{} texts in {}, {untouched} of them with nothing to change",
        pairs.len(),
        path.display()
    ));
    Ok(())
}

fn lines(pairs: &[TextPair], mut out: impl Write) -> Result<(), Failure> {
    for p in pairs {
        serde_json::to_writer(&mut out, p)?;
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}

fn of_file(path: &Path) -> Result<Vec<TextPair>, Failure> {
    let wrong = |e: crate::table::TableError| Failure::bad_input(&e).file(path).line(e.line());
    let mut rows = JsonlReader::open(path).map_err(wrong)?;
    let mut out = Vec::new();
    while let Some(row) = rows.next_row().map_err(wrong)? {
        let map = row.value.map_err(wrong)?;
        let pair = serde_json::from_value(map.into()).map_err(|e| {
            Failure::bad_input(format!("{}, line {}: {e}", path.display(), row.line))
                .file(path)
                .line(Some(row.line))
                .hint("`polyculture robustness perturb` writes such a file")
        })?;
        out.push(pair);
    }
    Ok(out)
}

fn of_run(ctx: &Context, run: &RunId) -> Result<Vec<TextPair>, Failure> {
    Ok(launch::robustness_pairs(&ctx.place()?, run)?)
}

fn verdict_lines(v: &PairVerdicts) -> String {
    let rows: Vec<Vec<String>> = v
        .rows
        .iter()
        .map(|r| {
            vec![
                r.split.clone(),
                r.value.map_or_else(|| "-".into(), |x| format!("{x:.3}")),
                r.ci.map_or_else(|| "-".into(), |[lo, hi]| format!("[{lo:.3}, {hi:.3}]")),
                r.n.to_string(),
            ]
        })
        .collect();
    let mut out = table(&["change", "label kept", "95 % interval", "pairs"], &rows);
    out += &format!(
        "{} pairs: {} kept, {} lost, {} unsure, {} not looked at\n",
        v.pairs, v.kept, v.lost, v.unsure, v.open
    );
    out
}
