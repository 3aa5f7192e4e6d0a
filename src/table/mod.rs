//! Tables in and out: CSV and JSONL, streamed, with errors that name the line.
