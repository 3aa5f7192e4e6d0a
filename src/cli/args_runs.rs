//! The command line of runs and of the engine.

use clap::Subcommand;

use super::args::WaitArgs;
use super::args_watch::WatchArgs;
use crate::domain::RunId;
use crate::job::StateName;

fn state(word: &str) -> Result<StateName, String> {
    StateName::from_word(word).ok_or_else(|| {
        let all: Vec<&str> = StateName::ALL.iter().map(|s| s.word()).collect();
        format!("expected one of {}", all.join(", "))
    })
}

/// `polyculture runs ..`
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// Run any command under the engine
    Add {
        /// A name for people
        #[arg(long)]
        label: Option<String>,
        #[command(flatten)]
        #[allow(missing_docs, reason = "flattened flags carry their own help")]
        wait: WaitArgs,
        /// The command and its arguments
        #[arg(last = true, required = true, value_name = "CMD")]
        command: Vec<String>,
    },
    /// List runs, newest first
    List {
        /// Of all workspaces
        #[arg(long)]
        all: bool,
        /// Only runs that have every word of this in id, kind, label or state
        #[arg(long, value_name = "WORDS", default_value = "")]
        filter: String,
        /// Only runs in these states: queued, running, failed, lost, ..
        #[arg(long, value_delimiter = ',', value_parser = state)]
        state: Vec<StateName>,
        /// At most this many
        #[arg(long, default_value_t = 100)]
        limit: usize,
        /// Go on after this run (the `next` of the page before)
        #[arg(long)]
        after: Option<String>,
    },
    /// One run with its attempts
    Show {
        /// Its id
        run: RunId,
    },
    /// Wait for a run to end; Ctrl-C leaves it running
    Wait {
        /// Its id
        run: RunId,
    },
    /// What a run printed
    Logs {
        /// Its id
        run: RunId,
        /// Go on until it ends
        #[arg(short, long)]
        follow: bool,
    },
    /// Show a training live: a run, or any folder that a trainer writes into
    Watch(WatchArgs),
    /// What a run measured
    Metrics {
        /// Its id
        run: RunId,
    },
    /// Stop a run: it writes a checkpoint first if it can
    Cancel {
        /// Its id
        run: RunId,
    },
    /// Try an ended run again, from its last checkpoint
    Retry {
        /// Its id
        run: RunId,
        #[command(flatten)]
        #[allow(missing_docs, reason = "flattened flags carry their own help")]
        wait: WaitArgs,
    },
}

/// `polyculture engine ..`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum EngineCommand {
    /// Run the engine in the foreground
    Run,
    /// Start it in the background (it starts by itself at first need)
    Start,
    /// Stop it; running work goes on and is adopted at the next start
    Stop,
    /// Whether it runs, since when, and what it does
    Status,
}
