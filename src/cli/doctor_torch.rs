//! `polyculture doctor --torch`: which Python trains, what it has, and the one command that installs
//! what is missing.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use super::output::table;
use super::{Context, Failure};
use crate::finetune::backend::torch_doctor;

const DEVICES: &str = "import torch; print('; '.join(torch.cuda.get_device_name(i) for i in \
                       range(torch.cuda.device_count())))";

/// Looks, and says.
///
/// # Errors
/// The Python cannot be started.
pub fn run(ctx: &Context, python: Option<&Path>) -> Result<(), Failure> {
    let found = torch_doctor(python).map_err(Failure::failed)?;
    let (mend, all) = (found.mend(false), found.mend(true));
    let torch = found.packages.iter().any(|p| p.name == "torch" && p.found.is_some());
    let gpus = if torch { devices(&found.python.program) } else { None };
    let doc = json!({"python": found.python.program, "named_by": found.python.named_by,
        "version": found.version, "packages": found.packages, "gpus": gpus,
        "install": mend, "install_all": all});
    ctx.out.show(&doc, || {
        let rows: Vec<Vec<String>> = found
            .packages
            .iter()
            .map(|p| {
                let says = match (p.ok, p.optional) {
                    (true, _) => "ok",
                    (false, true) => "only for quant = \"nf4\"",
                    (false, false) => "MEND",
                };
                let there = p.found.clone().unwrap_or_else(|| "-".into());
                vec![p.name.clone(), there, format!(">= {}", p.needed), says.into()]
            })
            .collect();
        let mut text = format!(
            "python {} {} (named by {})\ngpus   {}\n\n{}",
            found.version,
            found.python.program.display(),
            found.python.named_by,
            match gpus.as_deref() {
                None => "not known without torch",
                Some("") => "none that torch sees: recipes with gpus = 0 train on the CPU",
                Some(names) => names,
            },
            table(&["package", "found", "needed", ""], &rows)
        );
        if let Some(line) = &mend {
            text += &format!("\ninstall what is missing:\n  {line}\n");
        } else if let Some(line) = &all {
            text += &format!("\nfor quant = \"nf4\":\n  {line}\n");
        }
        text
    })
}

/// Names of the GPUs that torch sees; this imports it, which takes some seconds.
fn devices(python: &Path) -> Option<String> {
    let out = Command::new(python).args(["-c", DEVICES]).stdin(Stdio::null()).output().ok()?;
    out.status.success().then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned())
}
