//! `polyculture prompts ..`: reading, versions and replacing.

use std::fs;

use serde_json::json;

use super::args_prompts::PromptsCommand;
use super::output::table;
use super::{Context, Failure};
use crate::config::user_prompts_folder;
use crate::providers::prompts::{Library, Origin, PromptError, PromptFile};

impl From<PromptError> for Failure {
    fn from(e: PromptError) -> Self {
        match &e {
            PromptError::Unknown { .. } => {
                Self::not_found(e).hint("`polyculture prompts list` shows what there is")
            }
            PromptError::Io { path, .. } => {
                let path = path.clone();
                Self::bad_input(e).file(path)
            }
            PromptError::Bad { file, line, .. } => {
                let (file, line) = (file.clone(), *line as u64);
                Self::bad_input(e).file(file).line(Some(line))
            }
        }
    }
}

/// Runs one of the commands.
///
/// # Errors
/// An unknown prompt, a file that is wrong (its line is named), a folder that cannot be written.
pub fn run(ctx: &Context, command: PromptsCommand) -> Result<(), Failure> {
    let library = Library::of_user();
    match command {
        PromptsCommand::List => list(ctx, &library),
        PromptsCommand::Show { name } => {
            let p = library.load(&name)?;
            ctx.out.show(&json!({"prompt": p, "tag": p.tag(), "source": p.source}), || {
                format!("# {} ({})\n{}", p.tag(), origin(&p), p.source)
            })
        }
        PromptsCommand::Export { dir, force } => {
            fs::create_dir_all(&dir)?;
            let mut written = Vec::new();
            for (name, prompt) in library.list() {
                let path = dir.join(format!("{name}.toml"));
                if path.exists() && !force {
                    return Err(Failure::usage(format!(
                        "{} is there already: nothing of it was changed",
                        path.display()
                    ))
                    .hint("--force writes over it"));
                }
                fs::write(&path, prompt?.source)?;
                written.push(path);
            }
            ctx.out.list(&written, None, || {
                let place = user_prompts_folder()
                    .map_or_else(|_| "prompts/".into(), |p| p.display().to_string());
                format!(
                    "{} prompts in {}\n  edit one, count its version up, and put it into {place}\n",
                    written.len(),
                    dir.display()
                )
            })
        }
    }
}

fn list(ctx: &Context, library: &Library) -> Result<(), Failure> {
    let all = library.list();
    let items: Vec<serde_json::Value> = all
        .iter()
        .map(|(name, p)| match p {
            Ok(p) => json!({"name": name, "tag": p.tag(), "version": p.version,
                "purpose": p.purpose, "language": p.language, "origin": p.origin,
                "families": p.families.keys().collect::<Vec<_>>()}),
            Err(e) => json!({"name": name, "error": e.to_string()}),
        })
        .collect();
    ctx.out.list(&items, None, || {
        let rows: Vec<Vec<String>> = all
            .iter()
            .map(|(name, p)| match p {
                Ok(p) => vec![p.tag(), origin(p), p.purpose.clone()],
                Err(e) => vec![name.clone(), "cannot be used".into(), e.to_string()],
            })
            .collect();
        table(&["prompt", "from", "purpose"], &rows)
    })
}

fn origin(p: &PromptFile) -> String {
    match &p.origin {
        Origin::BuiltIn => "built in".into(),
        Origin::File(path) => path.display().to_string(),
    }
}
