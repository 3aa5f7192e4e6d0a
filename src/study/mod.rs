//! The rating study: plan, assignments, agreement, exports.
