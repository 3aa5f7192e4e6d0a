//! What can go wrong between us and SLURM. Only [`SlurmError::Refused`] says that there is no job:
//! after everything else there may be one.

use thiserror::Error;

/// Trouble with SLURM.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SlurmError {
    /// A program of SLURM is not there.
    #[error(
        "`{program}` cannot be started ({reason}): is this a login node, with SLURM's programs in PATH?"
    )]
    Missing {
        /// Which.
        program: String,
        /// What the system said.
        reason: String,
    },
    /// A program did not answer in time, was killed, or said that the controller cannot be asked.
    #[error("SLURM cannot be reached: {0}")]
    Unreachable(String),
    /// Nobody was asked yet: something else has to come first.
    #[error("{0}")]
    Waits(String),
    /// An answer that is none of SLURM's known forms.
    #[error("`{program}` said what cannot be understood: {line}")]
    Garbled {
        /// Which.
        program: String,
        /// The line.
        line: String,
    },
    /// SLURM said no, for a reason that stays.
    #[error("SLURM refuses it: {0}")]
    Refused(String),
}
