//! `polyculture models merge`, and models of the hub that a command names.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::args_models::MergeArgs;
use super::{Context, Failure};
use crate::embedded::{adapter, hub};
use crate::finetune::ModelRef;
use crate::launch::{base_of_adapter, model_folder};

/// Fetches a model of the hub with a progress bar where the reference names one; what is cached
/// needs no network. Other references are left to the launcher.
///
/// # Errors
/// No such model, no network.
pub fn fetch(reference: &ModelRef) -> Result<(), Failure> {
    let ModelRef::Hub { org, name } = reference else { return Ok(()) };
    let bar = if io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    if let Ok(style) =
        ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec}")
    {
        bar.set_style(style);
    }
    hub::fetch_model(&format!("{org}/{name}"), "main", &mut |p| {
        bar.set_message(p.file.to_owned());
        bar.set_length(p.total.unwrap_or(p.done));
        bar.set_position(p.done);
    })
    .map_err(Failure::failed)?;
    bar.finish_and_clear();
    Ok(())
}

/// `polyculture models merge`
///
/// # Errors
/// No such model, a model without an adapter, an adapter that does not fit, a folder that is not
/// empty.
pub fn merge(ctx: &Context, a: &MergeArgs) -> Result<(), Failure> {
    let place = ctx.place()?;
    let reference: ModelRef = a.model.parse().map_err(Failure::usage)?;
    let folder = model_folder(&place, &reference)?;
    let base = match &a.base {
        Some(b) => {
            let base: ModelRef = b.parse().map_err(Failure::usage)?;
            fetch(&base)?;
            model_folder(&place, &base)?
        }
        None => base_of_adapter(&folder)?.ok_or_else(|| {
            Failure::bad_input(format!(
                "{} is a whole model: there is no adapter to merge",
                folder.display()
            ))
        })?,
    };
    adapter::merge_folder(&base, &folder, &a.output).map_err(Failure::bad_input)?;
    let done = json!({"base": base, "adapter": folder, "merged": a.output});
    ctx.out.show(&done, || {
        format!(
            "{} + {}\n= {}\nuse it as path:{}",
            base.display(),
            folder.display(),
            a.output.display(),
            a.output.display()
        )
    })
}
