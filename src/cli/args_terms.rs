//! The command line of a start: waiting for it, and when and how it may run.

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use nix::sys::signal::Signal;

use super::args::OnArgs;
use crate::domain::RunId;
use crate::job::{After, Condition, NewRun, now};

/// How a command that starts a run goes on, and when the run may start and must end.
#[derive(Debug, Clone, Default, Args)]
pub struct StartArgs {
    /// Follow the run until it ends; Ctrl-C leaves it running
    #[arg(long)]
    pub wait: bool,
    #[command(flatten)]
    #[allow(missing_docs, reason = "flattened flags carry their own help")]
    pub terms: TermsArgs,
    #[command(flatten)]
    #[allow(missing_docs, reason = "flattened flags carry their own help")]
    pub on: OnArgs,
}

/// When and how a run may start and must end.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "When it runs")]
pub struct TermsArgs {
    /// Start when these runs have succeeded; skip it when one has not
    #[arg(long, value_name = "RUN", value_delimiter = ',')]
    pub after_ok: Vec<RunId>,
    /// Start when these runs have ended, however
    #[arg(long, value_name = "RUN", value_delimiter = ',')]
    pub after_any: Vec<RunId>,
    /// Start when these runs have failed; skip it when one has succeeded
    #[arg(long, value_name = "RUN", value_delimiter = ',')]
    pub after_fail: Vec<RunId>,
    /// Not before this time (2026-11-21T18:00:00Z) or after this long (90m, 12h, 2d)
    #[arg(long, value_name = "TIME", value_parser = when)]
    pub not_before: Option<Timestamp>,
    /// Stop an attempt that has run this long (90m, 12h); pauses are not counted
    #[arg(long, value_name = "DURATION", value_parser = seconds)]
    pub time_limit: Option<u64>,
    /// How often a lost attempt, or one that failed of something that may pass, is tried again by itself [default: 5; 0 for `runs add`]
    #[arg(long, value_name = "N")]
    pub retries: Option<u32>,
    /// Higher goes first
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub priority: Option<i32>,
    /// Take a place in this pool (`polyculture engine pool`)
    #[arg(long, value_name = "NAME")]
    pub pool: Option<String>,
    /// Seconds between TERM and KILL when it is stopped [default: 10]
    #[arg(long, value_name = "SECONDS")]
    pub grace: Option<u32>,
    /// Signal that asks the work for a checkpoint before TERM (USR1); the activities of this program need none
    #[arg(long, value_name = "SIGNAL", value_parser = signal)]
    pub checkpoint_signal: Option<i32>,
}

impl TermsArgs {
    /// Runs that have ended when this one starts, and may have made what it asks for.
    pub fn awaited(&self) -> Vec<RunId> {
        self.after_ok.iter().chain(&self.after_any).cloned().collect()
    }

    /// Writes what was said into a run.
    pub fn apply(&self, run: &mut NewRun) {
        for (runs, condition) in [
            (&self.after_ok, Condition::Ok),
            (&self.after_any, Condition::Any),
            (&self.after_fail, Condition::Fail),
        ] {
            run.after.extend(runs.iter().map(|run| After { run: run.clone(), condition }));
        }
        let terms = &mut run.terms;
        terms.not_before = self.not_before.or(terms.not_before);
        terms.time_limit_s = self.time_limit.or(terms.time_limit_s);
        terms.retries = self.retries.unwrap_or(terms.retries);
        terms.pool = self.pool.clone().or(terms.pool.take());
        terms.checkpoint_signal = self.checkpoint_signal.or(terms.checkpoint_signal);
        run.priority = self.priority.unwrap_or(run.priority);
        run.grace_s = self.grace.unwrap_or(run.grace_s);
    }
}

fn duration(word: &str) -> Result<SignedDuration, String> {
    let span = word.parse::<SignedDuration>().map_err(|_| ());
    // Days are none of a duration's units: 24 hours.
    let days =
        || word.strip_suffix('d')?.parse::<i64>().ok().map(|d| SignedDuration::from_hours(24 * d));
    span.ok()
        .or_else(days)
        .filter(|d| d.is_positive())
        .ok_or_else(|| "expected a time such as 90s, 45m, 12h or 2d".to_owned())
}

fn seconds(word: &str) -> Result<u64, String> {
    Ok(duration(word)?.as_secs().max(1).unsigned_abs())
}

fn when(word: &str) -> Result<Timestamp, String> {
    if let Ok(t) = word.parse::<Timestamp>() {
        return Ok(t);
    }
    let local = word.parse::<jiff::civil::DateTime>().ok();
    if let Some(t) = local.and_then(|d| d.to_zoned(jiff::tz::TimeZone::system()).ok()) {
        return Ok(t.timestamp());
    }
    let wait = duration(word).map_err(|_| {
        "expected a time (2026-11-21T18:00:00Z; without Z, of this machine's zone) or a while (90m, 12h, 2d)"
            .to_owned()
    })?;
    now().checked_add(wait).map_err(|e| e.to_string())
}

fn signal(word: &str) -> Result<i32, String> {
    let name = word.to_ascii_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    let found = format!("SIG{name}").parse::<Signal>().ok();
    match found {
        Some(Signal::SIGKILL | Signal::SIGSTOP) => Err(format!("{word} cannot be heard by work")),
        Some(s) => Ok(s as i32),
        None => Err("expected a signal's name such as USR1 or INT".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_words_are_refused_with_what_was_expected() {
        for bad in ["", "soon", "-5m", "0s", "5", "d"] {
            assert!(seconds(bad).unwrap_err().contains("90s"), "{bad}");
        }
        assert!(when("yesterday").unwrap_err().contains("12h"));
        assert!(signal("KILL").unwrap_err().contains("heard"));
        assert!(signal("42").unwrap_err().contains("USR1"));
    }

    #[test]
    fn times_and_signals_are_read_as_people_write_them() {
        assert_eq!(seconds("90m"), Ok(5400));
        assert_eq!(seconds("1h30m"), Ok(5400));
        assert_eq!(seconds("2d"), Ok(172_800));
        assert_eq!(seconds("10ms"), Ok(1), "no attempt is given no time");
        assert_eq!(when("2026-11-21T18:00:00Z"), Ok("2026-11-21T18:00:00Z".parse().unwrap()));
        assert!(when("2026-11-21T18:00").is_ok());
        assert!(when("1h").unwrap() > now());
        for word in ["USR1", "usr1", "SIGUSR1"] {
            assert_eq!(signal(word), Ok(Signal::SIGUSR1 as i32), "{word}");
        }
    }
}
