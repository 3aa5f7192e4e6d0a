//! Polyculture: a workbench for growing culture-aware language models from survey seeds.
//!
//! This file is the map. A room imports only from floors below its own; `docs/architecture.md`
//! tells why, and follows one seed through the house.
//!
//! | floor | rooms |
//! |---|---|
//! | 0 | [`text`], [`stats`], [`table`], [`chart`] |
//! | 1 | [`domain`], [`job`], [`config`] |
//! | 2 | [`store`], [`embedded`] |
//! | 3 | [`providers`] |
//! | 4 | [`seeds`], [`augment`], [`study`], [`dataset`], [`finetune`], [`evaluate`] |
//! | 5 | [`engine`], [`report`], [`work`], [`ingest`] |
//! | 6 | [`launch`], [`demo`], [`sweep`] |
//! | 7 | [`tui`], [`cli`] |

// floor 0
pub mod chart;
pub mod stats;
pub mod table;
pub mod text;
// floor 1
pub mod config;
pub mod domain;
pub mod job;
// floor 2
pub mod embedded;
pub mod store;
// floor 3
pub mod providers;
// floor 4
pub mod augment;
pub mod dataset;
pub mod evaluate;
pub mod finetune;
pub mod seeds;
pub mod study;
pub mod sweep;
// floor 5
pub mod engine;
pub mod ingest;
pub mod report;
pub mod work;
// floor 6
pub mod demo;
pub mod launch;
// floor 7
pub mod cli;
pub mod tui;
