//! `polyculture dataset ..`: build, audit, export.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::{ControlArg, DatasetCommand, TextsArg};
use super::output::{note, table};
use super::{Context, Failure};
use crate::dataset::{
    Arm, AuditReport, AuditRow, CardFile, Dataset, DatasetError, DatasetSpec, ExportOptions,
    ExternalFile, Stages, audit, card, export, held_out_questions, normal_text, read_external,
    rows_of,
};
use crate::domain::{CultureId, DatasetId, QuestionId, RatedAtLeast, Survey};
use crate::launch::{BuildError, Place, build_dataset, open_dataset};
use crate::store::SampleFilter;
use crate::text;

/// Findings that are listed for people; `--json` has all.
const LISTED: usize = 20;

impl From<BuildError> for Failure {
    fn from(e: BuildError) -> Self {
        match e {
            BuildError::Place(e) => e.into(),
            BuildError::Store(e) => e.into(),
            BuildError::Dataset(e) => e.into(),
            BuildError::Unknown(_) | BuildError::Name(_) => Self::not_found(e),
            BuildError::Files(_) => Self::failed(e),
        }
    }
}

impl From<DatasetError> for Failure {
    fn from(e: DatasetError) -> Self {
        match &e {
            DatasetError::Line { path, line, .. } => {
                let (path, line) = (path.clone(), *line);
                Self::bad_input(e).file(path).line(Some(line))
            }
            DatasetError::Unknown { .. } | DatasetError::BadSpec(_) => Self::usage(e),
            _ => Self::bad_input(e),
        }
    }
}

impl From<TextsArg> for Stages {
    fn from(t: TextsArg) -> Self {
        match t {
            TextsArg::Seeds => Self::SeedsOnly,
            TextsArg::Stage1 => Self::Templates,
            TextsArg::Both => Self::Both,
        }
    }
}

/// Runs one of the commands.
///
/// # Errors
/// A dataset that the audit refuses (every row is named), unknown names, unreadable files.
pub fn run(ctx: &Context, command: DatasetCommand) -> Result<(), Failure> {
    match command {
        DatasetCommand::Build {
            name,
            culture,
            control,
            like,
            cultures,
            texts,
            count,
            rated_at_least,
            by,
            study,
            language,
            policy,
            hold_out_questions,
            seed,
            allow,
        } => {
            let place = ctx.place()?;
            let survey = place.read()?.read().survey()?;
            let arm = match (culture, control) {
                (Some(culture), _) => Arm::Culture { culture },
                (None, Some(ControlArg::Blind)) => Arm::Blind { named: true },
                (None, Some(ControlArg::Uniform)) => Arm::Uniform,
                (None, None) => Arm::One,
            };
            if let Some(like) = like {
                let spec = open_dataset(&place, &like)?.manifest.spec;
                let spec = DatasetSpec { name: name.to_string(), arm, ..spec };
                let built = build_dataset(&place, &name, &spec)?;
                return show_built(ctx, &place, &name, &built);
            }
            let rated = rated_at_least
                .map(|score| RatedAtLeast::new(score, by, study))
                .transpose()
                .map_err(Failure::usage)?;
            let spec = DatasetSpec {
                name: name.to_string(),
                policy,
                arm,
                stages: texts.into(),
                texts: count,
                rated,
                language,
                cultures,
                held_out_questions: held_out_questions(&survey, hold_out_questions, seed)?,
                allow: allow.into_iter().collect(),
            };
            let built = build_dataset(&place, &name, &spec)?;
            show_built(ctx, &place, &name, &built)
        }
        DatasetCommand::Audit { target, culture, test } => {
            audit_target(ctx, &target, culture, test.as_deref())
        }
        DatasetCommand::Export { name, format, answers, output } => {
            let options = ExportOptions { answers, ..ExportOptions::new(format) };
            export_dataset(ctx, &name, &options, output)
        }
        DatasetCommand::List => list(ctx),
    }
}

fn show_built(
    ctx: &Context,
    place: &Place,
    name: &DatasetId,
    built: &Dataset,
) -> Result<(), Failure> {
    let dir = place.folder().datasets().join(name.as_str());
    let refused: Vec<String> = built.refused.iter().map(ToString::to_string).collect();
    let doc = json!({
        "dataset": name, "rows": built.examples.len(), "spec": built.spec, "refused": refused,
        "audit": built.audit, "path": dir, "rated": built.rated,
    });
    ctx.out.show(&doc, || {
        let mut out = format!("{name}: {} rows in {}\n", built.examples.len(), dir.display());
        if let (Some(wanted), Some(n)) = (&built.spec.rated, built.rated) {
            out += &format!(
                "samples {wanted}: {} of {}; scores of people are there for {}\n",
                n.used, n.of, n.rated
            );
        }
        if !refused.is_empty() {
            out += &format!(
                "left out, {} cells of culture and question without a label:\n",
                refused.len()
            );
            for r in &refused {
                out += &format!("  {}\n", text::display(r));
            }
        }
        out += &audit_lines(&built.audit);
        out
    })
}

fn audit_lines(report: &AuditReport) -> String {
    let mut out =
        format!("audit: {} rows, {} distinct prompts", report.rows, report.distinct_prompts);
    if report.unresolved > 0 {
        out += &format!(
            ", {} rows of no known question (contradictions and duplicates were checked, the survey was not)",
            report.unresolved
        );
    }
    out.push('\n');
    if report.findings.is_empty() {
        out += "  nothing found\n";
        return out;
    }
    for (kind, _) in report.by_kind() {
        out += &format!(
            "  {}: {} rows ({:.1} %)\n",
            kind.as_str(),
            report.rows_with(kind),
            100.0 * report.share(kind)
        );
    }
    for f in report.findings.iter().take(LISTED) {
        out += &format!("  {}\n", text::display(&f.to_string()));
    }
    if report.findings.len() > LISTED {
        out += &format!("  .. and {} more: --json lists all\n", report.findings.len() - LISTED);
    }
    out
}

/// Questions by the normal form of every wording the workspace knows.
fn known_texts(place: &Place, survey: &Survey) -> Result<HashMap<String, QuestionId>, Failure> {
    let mut texts: HashMap<String, QuestionId> =
        survey.questions.iter().map(|q| (normal_text(&q.text), q.id.clone())).collect();
    for s in place.read()?.read().all_samples(&SampleFilter::default())? {
        texts.insert(normal_text(&s.text), s.seed);
    }
    Ok(texts)
}

fn audit_target(
    ctx: &Context,
    target: &str,
    culture: Option<CultureId>,
    test: Option<&Path>,
) -> Result<(), Failure> {
    let place = ctx.place()?;
    let survey = place.read()?.read().survey()?;
    let known = ExternalFile { culture, texts: known_texts(&place, &survey)? };
    let path = Path::new(target);
    let rows: Vec<AuditRow> = if path.is_file() {
        read_external(path, &known)?
    } else {
        let id = DatasetId::new(target).map_err(|_| {
            Failure::not_found(format!("`{target}` is neither a file nor the name of a dataset"))
        })?;
        rows_of(&open_dataset(&place, &id)?.examples, target)
    };
    let test = test.map(|t| read_external(t, &known)).transpose()?.unwrap_or_default();
    let report = audit(&rows, Some(&survey), &test);
    let by_kind: BTreeMap<&str, _> = report
        .by_kind()
        .into_keys()
        .map(|k| (k.as_str(), json!({"rows": report.rows_with(k), "share": report.share(k)})))
        .collect();
    let doc = json!({"rows": report.rows, "distinct_prompts": report.distinct_prompts,
        "unresolved": report.unresolved, "by_kind": by_kind, "findings": report.findings});
    ctx.out.show(&doc, || audit_lines(&report))?;
    if report.findings.is_empty() {
        Ok(())
    } else {
        Err(Failure::bad_input(format!("{target} is refused: {} findings", report.findings.len())))
    }
}

fn export_dataset(
    ctx: &Context,
    name: &DatasetId,
    options: &ExportOptions,
    output: Option<PathBuf>,
) -> Result<(), Failure> {
    let place = ctx.place()?;
    let survey = place.read()?.read().survey()?;
    let stored = open_dataset(&place, name)?;
    let path = output.unwrap_or_else(|| {
        place.folder().exports().join(format!("{name}.{}", options.format.extension()))
    });
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).map_err(|e| Failure::failed(e).file(dir))?;
    }
    let file = File::create(&path).map_err(|e| Failure::failed(e).file(&path))?;
    let mut out = BufWriter::new(file);
    let lines = export(&stored.examples, &survey, options, &mut out)?;
    out.flush().map_err(|e| Failure::failed(e).file(&path))?;
    let card_path = path.with_extension("card.md");
    let built = stored.as_dataset(&survey);
    let file = CardFile { format: options.format, answers: options.answers, lines };
    fs::write(&card_path, card(&built, &survey, Some(file)))
        .map_err(|e| Failure::failed(e).file(&card_path))?;
    note(
        "the counts behind these rows derive from the World Values Survey: the card states the terms",
    );
    ctx.out.show(&json!({"file": path, "card": card_path, "lines": lines}), || {
        format!("{}: {lines} lines; card: {}", path.display(), card_path.display())
    })
}

fn list(ctx: &Context) -> Result<(), Failure> {
    let all = ctx.read()?.read().datasets()?;
    ctx.out.list(&all, None, || {
        if all.is_empty() {
            return "No datasets yet. Make one with `polyculture dataset build NAME`.".into();
        }
        let rows: Vec<Vec<String>> = all
            .iter()
            .map(|d| {
                vec![
                    d.name.to_string(),
                    d.policy.as_str().into(),
                    d.manifest["rows"].to_string(),
                    d.manifest["spec"]["stages"].as_str().unwrap_or("").into(),
                    d.created.strftime("%Y-%m-%d %H:%M").to_string(),
                ]
            })
            .collect();
        table(&["dataset", "policy", "rows", "texts", "built (UTC)"], &rows)
    })
}
