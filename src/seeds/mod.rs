//! Survey seeds: importing questions and answers, the cultures, the sample data.
