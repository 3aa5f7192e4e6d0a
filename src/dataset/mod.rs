//! Datasets: label policies, splits, audit, exports.
