//! The rating study: items from samples, a plan of who rates what, agreement, imports, exports.
//! Rules and statistics live here; the tables and what they refuse live in [`crate::store`].
//! Controls and repeats enter no estimate; scripted raters are marked wherever they appear.

mod about;
mod adjudicate;
mod agreement;
mod amend;
mod answers;
mod calibration;
mod consent;
mod controls;
mod draft;
mod effects;
mod error;
mod export;
mod groups;
mod guideline;
mod import;
pub mod judge;
mod keys;
mod leases;
pub mod live;
mod moving;
mod order;
mod outlook;
mod pairs;
mod plan;
mod power;
mod qualification;
mod raters_file;
mod rating_file;
mod results;
mod sampling;
mod scripted;
mod seeds;
pub mod session;
mod setup;
mod spec;
mod spec_parts;
mod status;
#[cfg(test)]
mod tests;
mod verify;
mod withdraw;

pub use adjudicate::{Case, CaseScore, Decision, adjudicate, case, decisions};
pub use agreement::{AgreementReport, Figure, Rating, agreement, agreement_of, agreement_short};
pub use amend::{Amend, AmendReport, amend};
pub use answers::{Answer, read_answers};
pub use calibration::{Calibration, Step, Threshold, calibrate};
mod texts;
pub use about::About;
pub use consent::ConsentText;
pub use draft::{PlanDraft, SECONDS_A_PAIR, StratumCount, draft, item_warnings, plan_draft};
pub use effects::{RaterEffects, RaterLeaning};
pub use error::StudyError;
pub use export::{ExportFormat, ExportOptions, ExportWhat, codebook, export, export_table};
pub use groups::{By, Group, Groups, JudgeInGroup, results_by};
pub use guideline::{Guideline, ScaleAnchor};
pub use import::{
    ImportOptions, ImportReport, RatingFormat, ReadOptions, import_ratings, import_ratings_as,
    read_ratings_as,
};
pub use keys::{Door, KeyError, PathRefused, PublicKey, authorized_line};
pub use leases::begin_rating;
pub use moving::{MoveReport, move_study};
pub use order::LAG;
pub use outlook::{Outlook, outlook, outlook_of};
pub use pairs::{Example, WorkedPairs};
pub use plan::{Plan, fix_plan, plan};
pub use power::{Power, PowerDesign, Spread, pilot, power};
pub use qualification::{Nearness, QualificationResult, qualifications};
pub use raters_file::{Named, read_names, read_raters, write_names};
pub use rating_file::{BadLine, RatingFile, read_ratings};
pub use results::{
    Among, Consistency, ControlFailure, Results, ResultsOptions, results, results_among,
    results_with,
};
pub use scripted::{SCRIPTED, rate_scripted, scripted_raters, scripted_score};
pub use seeds::{Seed, Seeds};
pub use setup::{Material, NewStudy, create_from, create_study, items_of, new_study, strata};
pub use spec::StudySpec;
pub use spec_parts::{Band, People, RaterSpec, Selection, Stratum};
pub use status::{StudyStatus, changes_since_plan, status};
pub use texts::{RaterTexts, own_text, put_own_texts, text_sha256};
pub use verify::{Finding, Severity, verify};
pub use withdraw::{WithdrawReport, withdraw};
