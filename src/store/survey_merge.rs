//! What happens when an imported file speaks of a country that is already there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{CountryCode, QuestionId, Survey};

use super::{ImportRecord, StoreError, Tx};

/// Which counts stay where both have the same country and question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MergeRule {
    /// The new file's: the same people, counted better. The default: adding would count people
    /// of the shipped sample twice.
    #[default]
    Replace,
    /// Those already there.
    Keep,
    /// Both, added: only for files that hold other people. Refused where the weights differ.
    Add,
}

/// What an import changed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MergeReport {
    /// The same file, by its content, had been imported before with this outcome; nothing changed.
    pub already_imported: bool,
    /// Wordings stored, new or again.
    pub questions: u64,
    /// Cultures stored.
    pub cultures: u64,
    /// Countries in the file's counts.
    pub countries: Vec<CountryCode>,
    /// Country x question cells that are new.
    pub added: u64,
    /// Cells replaced by the file's.
    pub replaced: u64,
    /// Cells added up.
    pub summed: u64,
    /// Cells where the old counts stayed.
    pub kept: u64,
}

impl Tx<'_> {
    /// Merges what was read from a file, and logs the file. The same content again changes
    /// nothing under [`MergeRule::Add`]; under the other rules it is simply stored again.
    ///
    /// # Errors
    /// The database cannot be written; [`StoreError::Refused`] where counts with different weights
    /// would be added.
    pub fn merge_imported(
        &self,
        survey: &Survey,
        import: &ImportRecord,
        rule: MergeRule,
    ) -> Result<MergeReport, StoreError> {
        let mut report = MergeReport::default();
        let seen: i64 = self
            .one(
                "SELECT count(*) FROM import_log WHERE kind = ?1 AND sha256 = ?2",
                [&import.kind, &import.sha256],
                |r| r.get(0),
            )?
            .unwrap_or(0);
        if seen > 0 && rule == MergeRule::Add {
            report.already_imported = true;
            return Ok(report);
        }
        let log = self.log_import(import)?;
        for q in &survey.questions {
            self.put_question(q)?;
            report.questions += 1;
        }
        for c in &survey.cultures {
            self.put_culture(c)?;
            report.cultures += 1;
        }
        let before = if rule == MergeRule::Add { self.survey()?.counts } else { BTreeMap::new() };
        for (key, counts) in &survey.counts {
            let (country, question) = key;
            if report.countries.last() != Some(country) {
                report.countries.push(country.clone());
            }
            match (self.has_counts(country, question)?, rule) {
                (false, _) => {
                    self.put_counts(country, question, counts, Some(log))?;
                    report.added += 1;
                }
                (true, MergeRule::Replace) => {
                    self.put_counts(country, question, counts, Some(log))?;
                    report.replaced += 1;
                }
                (true, MergeRule::Keep) => report.kept += 1,
                (true, MergeRule::Add) => {
                    let mut sum = before.get(key).cloned().unwrap_or_else(|| counts.clone());
                    if sum.weighting != counts.weighting {
                        return Err(StoreError::Refused {
                            path: self.path.to_owned(),
                            rule: format!(
                                "{country} {question}: counts by {} cannot be added to counts by \
                                 {}; import both with the same weights, or replace",
                                counts.weighting.label(),
                                sum.weighting.label()
                            ),
                        });
                    }
                    sum.merge(counts);
                    self.put_counts(country, question, &sum, Some(log))?;
                    report.summed += 1;
                }
            }
        }
        for ((country, question), means) in &survey.paper_means {
            self.put_paper_means(country, question, means)?;
        }
        Ok(report)
    }

    fn has_counts(&self, country: &CountryCode, q: &QuestionId) -> Result<bool, StoreError> {
        let found = self.one(
            "SELECT 1 FROM count_source WHERE country = ?1 AND question = ?2",
            [country.as_str(), q.as_str()],
            |_| Ok(()),
        )?;
        Ok(found.is_some())
    }
}
