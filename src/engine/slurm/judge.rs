//! What a job's end means for its attempt. Pure: our own `exit.json` comes first; SLURM's word
//! explains what the shim could not know, and stands alone only where the shim was killed.

use jiff::Timestamp;

use super::parse::EndWord;
use crate::job::{ExitFile, StopWhy};

/// What is known of an attempt when its job is over.
pub(super) struct Facts<'a> {
    /// SLURM's word for the end; `None`: the job is known nowhere any more.
    pub(super) word: Option<EndWord>,
    /// As it was said, with the reason.
    pub(super) said: &'a str,
    /// Our own file.
    pub(super) exit: Option<&'a ExitFile>,
    /// We asked it to stop.
    pub(super) stop: Option<StopWhy>,
    /// The shim had begun the attempt.
    pub(super) began: bool,
    /// When the work started, if that is known.
    pub(super) started: Option<Timestamp>,
    /// The time now.
    pub(super) now: Timestamp,
}

/// True when `exit.json` alone does not say why the work ended: it was ended by a signal, or told to
/// end by somebody who was not the engine.
pub(super) fn needs_slurms_word(exit: &ExitFile) -> bool {
    exit.lost.is_none()
        && match exit.stopped {
            Some(StopWhy::Terminated) => true,
            Some(_) => false,
            // 128 + KILL or TERM: a shell's word for a signal.
            None => exit.signal.is_some() || matches!(exit.code, Some(137 | 143)),
        }
}

/// The end that the attempt's `exit.json` is to tell.
pub(super) fn end(facts: &Facts<'_>) -> ExitFile {
    let bare = ExitFile { started: facts.started, ..ExitFile::unstarted(facts.now) };
    let mut out = facts.exit.cloned().unwrap_or(bare);
    if facts.exit.is_some_and(|e| !needs_slurms_word(e)) {
        return out;
    }
    let said = format!("SLURM says: {}", facts.said);
    if let Some(why) = facts.stop {
        out.stopped = Some(why);
        return out;
    }
    match facts.word {
        Some(EndWord::Cancelled) => {
            out.stopped = Some(StopWhy::Cancel);
            out.note = Some(format!("cancelled at SLURM by somebody else. {said}"));
        }
        Some(EndWord::Timeout | EndWord::Deadline) => {
            out.stopped = Some(StopWhy::TimeLimit);
            out.note = Some(said);
        }
        Some(EndWord::OutOfMemory) => out.out_of_memory = Some(said),
        Some(EndWord::NodeFail) => out.lost = Some(format!("its node failed. {said}")),
        Some(EndWord::Preempted) => {
            out.lost = Some(format!("preempted by a job of higher priority. {said}"));
        }
        Some(EndWord::BootFail) => out.lost = Some(format!("its node did not boot. {said}")),
        Some(EndWord::Revoked) => {
            out.lost = Some(format!("taken away by a sibling cluster. {said}"));
        }
        // With an exit.json the shim has seen more than SLURM.
        Some(_) if facts.exit.is_some() => {}
        Some(EndWord::Completed) => {
            out.lost = Some(format!("the job ended, but nobody saw the end of its work. {said}"));
        }
        Some(EndWord::Failed | EndWord::LaunchFailed) if !facts.began => {
            out.note = Some(format!(
                "the job ended before the work began (slurm.out has its words). {said}"
            ));
        }
        Some(EndWord::Failed | EndWord::LaunchFailed) => {
            out.lost = Some(format!("its shim was killed, so nobody saw its exit code. {said}"));
        }
        None if facts.exit.is_some() => {}
        None => {
            out.lost = Some(
                "SLURM knows the job no more, neither in its queue nor in its accounting, and its \
                 shim wrote no end"
                    .into(),
            );
        }
    }
    out
}

/// True when the same attempt, tried again, may well do better: nothing was wrong with the run.
pub(super) fn passes(word: Option<EndWord>) -> bool {
    matches!(
        word,
        None | Some(EndWord::NodeFail | EndWord::Preempted | EndWord::BootFail | EndWord::Revoked)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::StateName;

    fn state(
        word: Option<EndWord>,
        exit: Option<ExitFile>,
        stop: Option<StopWhy>,
        began: bool,
    ) -> StateName {
        let now = Timestamp::UNIX_EPOCH;
        let facts = Facts {
            word,
            said: "X",
            exit: exit.as_ref(),
            stop,
            began,
            started: began.then_some(now),
            now,
        };
        end(&facts).state(now, None).name()
    }

    #[test]
    fn no_word_of_slurm_makes_a_success() {
        use EndWord as W;
        let ended = [
            (Some(W::Completed), true, StateName::Lost),
            (Some(W::Completed), false, StateName::Lost),
            (Some(W::Failed), true, StateName::Lost),
            (Some(W::Failed), false, StateName::Failed),
            (Some(W::LaunchFailed), false, StateName::Failed),
            (Some(W::Cancelled), true, StateName::Cancelled),
            (Some(W::Timeout), true, StateName::TimedOut),
            (Some(W::Deadline), false, StateName::TimedOut),
            (Some(W::OutOfMemory), true, StateName::OutOfMemory),
            (Some(W::NodeFail), true, StateName::Lost),
            (Some(W::Preempted), true, StateName::Lost),
            (Some(W::BootFail), false, StateName::Lost),
            (Some(W::Revoked), false, StateName::Lost),
            (None, true, StateName::Lost),
            (None, false, StateName::Lost),
        ];
        for (word, began, wanted) in ended {
            assert_eq!(state(word, None, None, began), wanted, "{word:?}");
            let asked = state(word, None, Some(StopWhy::Cancel), began);
            let gone = word.is_none() && wanted == StateName::Lost;
            assert!(gone || asked == StateName::Cancelled, "{word:?}");
        }
    }

    #[test]
    fn our_own_exit_file_comes_first_and_slurm_explains_signals() {
        use EndWord as W;
        let t = Timestamp::UNIX_EPOCH;
        let base = ExitFile { started: Some(t), ..ExitFile::unstarted(t) };
        let code = |n| ExitFile { code: Some(n), ..base.clone() };
        let signal = |n| ExitFile { signal: Some(n), ..base.clone() };
        let told = |why| ExitFile { code: Some(0), stopped: Some(why), ..base.clone() };
        let cases = [
            (code(0), W::Completed, StateName::Succeeded),
            // Cancelled after it had succeeded: SLURM may still say so.
            (code(0), W::Cancelled, StateName::Succeeded),
            (code(7), W::Failed, StateName::Failed),
            (code(7), W::Timeout, StateName::Failed),
            (signal(15), W::Cancelled, StateName::Cancelled),
            (signal(15), W::Timeout, StateName::TimedOut),
            (signal(9), W::OutOfMemory, StateName::OutOfMemory),
            (code(137), W::OutOfMemory, StateName::OutOfMemory),
            (signal(11), W::Failed, StateName::Failed),
            (signal(9), W::Preempted, StateName::Lost),
            (told(StopWhy::Terminated), W::Cancelled, StateName::Cancelled),
            (told(StopWhy::Terminated), W::Preempted, StateName::Lost),
            (told(StopWhy::TimeLimit), W::Completed, StateName::TimedOut),
            (told(StopWhy::Cancel), W::Completed, StateName::Cancelled),
        ];
        for (exit, word, wanted) in cases {
            assert_eq!(
                state(Some(word), Some(exit.clone()), None, true),
                wanted,
                "{exit:?} {word:?}"
            );
        }
    }
}
