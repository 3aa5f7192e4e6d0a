//! Errors as a person and a script see them: what, where, the way out, and the exit code.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// Exit codes that scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 1: the work failed.
    Failed,
    /// 2: wrong usage.
    Usage,
    /// 3: the engine or the workspace is unusable.
    Unusable,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Unusable => 3,
        }
    }
}

/// A command that did not do what was asked.
#[derive(Debug, Serialize)]
pub struct Failure {
    /// A stable word for scripts: `bad-input`, `not-found`, `workspace`, `engine`, `failed`.
    pub code: String,
    /// What happened.
    pub message: String,
    /// The file it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// 1-based line in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The way out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Exit code of the process.
    #[serde(skip)]
    pub exit: Exit,
    /// The answer was printed already and says it all: `--json` adds no second document.
    #[serde(skip)]
    pub told: bool,
}

impl Failure {
    fn new(code: &str, exit: Exit, message: impl fmt::Display) -> Self {
        Self {
            code: code.to_owned(),
            message: message.to_string(),
            file: None,
            line: None,
            hint: None,
            exit,
            told: false,
        }
    }

    /// Wrong words on the command line, or values that cannot be used together: exit 2.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self::new("usage", Exit::Usage, message)
    }

    /// A name that nothing answers to: exit 2.
    pub fn not_found(message: impl fmt::Display) -> Self {
        Self::new("not-found", Exit::Usage, message)
    }

    /// A file that does not hold what it should: exit 1.
    pub fn bad_input(message: impl fmt::Display) -> Self {
        Self::new("bad-input", Exit::Failed, message)
    }

    /// The work itself failed: exit 1.
    pub fn failed(message: impl fmt::Display) -> Self {
        Self::new("failed", Exit::Failed, message)
    }

    /// The workspace cannot be used: exit 3.
    pub fn workspace(message: impl fmt::Display) -> Self {
        Self::new("workspace", Exit::Unusable, message)
    }

    /// The engine cannot be used: exit 3.
    pub fn engine(message: impl fmt::Display) -> Self {
        Self::new("engine", Exit::Unusable, message)
    }

    /// Adds the way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the file.
    #[must_use]
    pub fn file(mut self, file: impl Into<PathBuf>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// Adds the line.
    #[must_use]
    pub fn line(mut self, line: Option<u64>) -> Self {
        self.line = line;
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  {hint}")?;
        }
        Ok(())
    }
}

impl From<crate::config::ConfigError> for Failure {
    fn from(e: crate::config::ConfigError) -> Self {
        Self::workspace(e)
    }
}

impl From<std::io::Error> for Failure {
    fn from(e: std::io::Error) -> Self {
        Self::failed(e)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(e: serde_json::Error) -> Self {
        Self::failed(e)
    }
}
