//! The report page. Empty until 3 of 5.
