//! The command line of runs and of the engine.

use clap::Subcommand;

use super::args::StartArgs;
use super::args_watch::WatchArgs;
use crate::domain::RunId;
use crate::job::StateName;

fn state(word: &str) -> Result<StateName, String> {
    StateName::from_word(word).ok_or_else(|| {
        let all: Vec<&str> = StateName::ALL.iter().map(|s| s.word()).collect();
        format!("expected one of {}", all.join(", "))
    })
}

/// `4`, or `4%2`: two at a time.
fn array(text: &str) -> Result<(u32, Option<u32>), String> {
    let wrong = || format!("expected a number of tasks such as 4, or 4%2, found {text}");
    let (of, at_once) = match text.split_once('%') {
        Some((of, m)) => (of, Some(m.parse::<u32>().map_err(|_| wrong())?)),
        None => (text, None),
    };
    let of = of.parse::<u32>().map_err(|_| wrong())?;
    if of == 0 || at_once == Some(0) || of > 10_000 { Err(wrong()) } else { Ok((of, at_once)) }
}

/// `polyculture runs ..`
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// Run any command under the engine
    Add {
        /// A name for people
        #[arg(long)]
        label: Option<String>,
        /// CPU threads: slots of the engine that it takes
        #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        threads: u32,
        /// So many tasks of one SLURM array, at most M at a time; each finds its number, from 0, in
        /// $POLYCULTURE_ARRAY_INDEX
        #[arg(long, value_name = "N[%M]", value_parser = array)]
        array: Option<(u32, Option<u32>)>,
        #[command(flatten)]
        #[allow(missing_docs, reason = "flattened flags carry their own help")]
        start: StartArgs,
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
    /// Checkpoints that nothing needs any more, with their sizes
    Prune {
        /// Remove them
        #[arg(long)]
        yes: bool,
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
    /// Stop a run for good: TERM, then KILL after its grace
    Cancel {
        /// Its id
        run: RunId,
    },
    /// Checkpoint and stop: `runs resume` goes on from there
    Stop {
        /// Its id
        run: RunId,
    },
    /// Let a run stand still; it keeps its memory, on GPUs too
    Pause {
        /// Its id
        run: RunId,
    },
    /// Let a paused run go on, or a stopped one from its last checkpoint
    Resume {
        /// Its id
        run: RunId,
    },
    /// Let a waiting run go before (higher) or behind (lower) others
    Priority {
        /// Its id
        run: RunId,
        /// 0 unless said otherwise
        #[arg(allow_negative_numbers = true)]
        priority: i32,
    },
    /// Try an ended run again, from its last checkpoint
    Retry {
        /// Its id
        run: RunId,
        /// Follow the run until it ends; Ctrl-C leaves it running
        #[arg(long)]
        wait: bool,
    },
}

/// `polyculture engine ..`
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum EngineCommand {
    /// Run the engine in the foreground
    Run,
    /// Start it in the background (it starts by itself at first need)
    Start,
    /// Stop it; running work goes on and is adopted at the next start
    Stop,
    /// Start no more runs, and end the engine when the last live one has ended
    Drain {
        /// Wait until it has ended
        #[arg(long, conflicts_with = "undo")]
        wait: bool,
        /// Start runs again
        #[arg(long)]
        undo: bool,
    },
    /// Make it start after a reboot: a unit of your systemd, or a line of your crontab
    Install {
        /// Only print what would be written
        #[arg(long)]
        print: bool,
    },
    /// Undo `install`
    Uninstall,
    /// Whether it runs, since when, and what it does
    Status,
    /// Pools: how many of their runs go at a time. Without a name, all of them
    Pool {
        /// The pool
        name: Option<String>,
        /// Make it, or change it: this many runs at a time; 0 holds them back
        #[arg(long, value_name = "N", requires = "name")]
        capacity: Option<u32>,
        /// Remove it
        #[arg(long, requires = "name", conflicts_with = "capacity")]
        remove: bool,
    },
    /// The GPUs here: what loads them, and who leased which
    Gpus,
}
