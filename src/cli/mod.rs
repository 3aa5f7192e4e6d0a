//! The command line: a face without rules of the domain.
