//! `polyculture report` and `polyculture models card`.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use super::args_compare::{ReportArgs, ReportFormat};
use super::study::StudyForm;
use super::{Context, Failure};
use crate::domain::ModelId;
use crate::finetune::ModelRef;
use crate::report::{self, StudyReportOptions};

/// # Errors
/// An unreadable workspace, a file that cannot be written.
pub fn run(ctx: &Context, a: &ReportArgs) -> Result<(), Failure> {
    if let Some(study) = &a.study {
        let form = match a.format {
            ReportFormat::Md => StudyForm::Markdown,
            ReportFormat::Json => StudyForm::Json,
            ReportFormat::Html => StudyForm::Html,
            ReportFormat::Csv => {
                return Err(Failure::usage("a study has no CSV report")
                    .hint("`polyculture study export` writes its tables"));
            }
        };
        let options = StudyReportOptions::default();
        return super::study::report(ctx, study, form, &options, a.output.as_deref());
    }
    let store = ctx.read()?;
    let r = report::gather(store.read()).map_err(Failure::failed)?;
    let format = if ctx.out.json { ReportFormat::Json } else { a.format };
    let text = match format {
        ReportFormat::Md => report::markdown(&r),
        ReportFormat::Json => serde_json::to_string_pretty(&r)? + "\n",
        ReportFormat::Csv => report::csv(&r).map_err(Failure::failed)?,
        ReportFormat::Html => report::html(&r, &report::runs(&ctx.place()?.folder().runs())),
    };
    write(a.output.as_deref(), &text)
}

/// # Errors
/// An unknown model, an unreadable workspace, a file that cannot be written.
pub fn card(ctx: &Context, model: &str, output: Option<&Path>) -> Result<(), Failure> {
    let store = ctx.read()?;
    let reader = store.read();
    let reference: ModelRef = model.parse().map_err(Failure::usage)?;
    let name = match &reference {
        ModelRef::Run { run, .. } => run.to_string(),
        ModelRef::Alias(a) => a.to_string(),
        other => other.to_string(),
    };
    let found = match reader.model_by_alias(&name)? {
        Some(m) => Some(m),
        None => match ModelId::new(name) {
            Ok(id) => reader.model(&id)?,
            Err(_) => None,
        },
    };
    let m = found.ok_or_else(|| {
        Failure::not_found(format!("no model `{model}`"))
            .hint("`polyculture models list` shows what there is")
    })?;
    let text = report::model_card(reader, &m).map_err(Failure::failed)?;
    if ctx.out.json && output.is_none() {
        return ctx.out.show(&serde_json::json!({"model": model, "card": text}), String::new);
    }
    write(output, &text)
}

pub(super) fn write(output: Option<&Path>, text: &str) -> Result<(), Failure> {
    match output {
        Some(path) => {
            fs::write(path, text).map_err(|e| Failure::failed(e).file(path))?;
            super::output::note(&format!("written to {}", path.display()));
            Ok(())
        }
        None => match std::io::stdout().lock().write_all(text.as_bytes()) {
            Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            other => Ok(other?),
        },
    }
}
