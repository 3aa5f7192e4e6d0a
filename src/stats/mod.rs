//! Numbers with their intervals: divergences, agreement, tests, bootstrap. Knows no question and no culture.
