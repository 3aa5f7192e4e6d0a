//! `polyculture workspace backup` and `restore`.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::{Context, Failure};
use crate::launch::Place;
use crate::store::{Access, Workspace as Store};

/// `polyculture workspace ..`
#[derive(Debug, Subcommand)]
pub enum WorkspaceCommand {
    /// Write a copy of the database while others work; runs and models stay where they are
    Backup {
        /// The copy; never overwrites a file
        file: PathBuf,
    },
    /// Make a workspace of a backup, in a folder that has no database
    Restore {
        /// The backup
        file: PathBuf,
        /// The folder; made if missing
        dir: PathBuf,
    },
}

/// Runs one of the commands.
///
/// # Errors
/// A file that exists, no space; a backup that is none or is damaged.
pub fn run(ctx: &Context, command: &WorkspaceCommand) -> Result<(), Failure> {
    match command {
        WorkspaceCommand::Backup { file } => {
            ctx.read()?.database().backup(file)?;
            let bytes = std::fs::metadata(file).map_err(|e| Failure::failed(e).file(file))?.len();
            ctx.out.show(&json!({"backup": file, "bytes": bytes}), || {
                format!("{}: {bytes} bytes, whole and on the disk\n", file.display())
            })
        }
        WorkspaceCommand::Restore { file, dir } => {
            let place = Place::restore(file, dir)?;
            let store = Store::open(place.folder().root(), Access::Read)?;
            let studies = store.read().studies()?.len();
            let doc = json!({"workspace": place.folder().root(), "studies": studies});
            ctx.out.show(&doc, || {
                format!(
                    "{}: restored with {studies} studies\n  next: polyculture -w {} study verify\n",
                    place.folder().root().display(),
                    dir.display()
                )
            })
        }
    }
}
