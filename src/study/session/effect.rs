//! What a session asks its owner to do.

use super::Write;

/// Work that is done elsewhere; its outcome comes back into the session.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Carry out [`super::save`], and hand the result to [`super::Session::written`].
    Save(Write),
    /// Carry out [`super::load`], and hand the result to [`super::Session::reloaded`].
    Reload,
}
