//! What a study tells its raters about itself, from its settings.

use serde_json::Value;

use crate::domain::StudyType;
use crate::store::StudyRecord;

/// Who runs a study, and on what terms. Where the settings say nothing, nothing is said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct About {
    /// What raters judge.
    pub study_type: StudyType,
    /// Whom to ask, and whom to tell that one leaves.
    pub contact: Option<String>,
    /// The approval of an ethics board, or why there is none.
    pub ethics: Option<String>,
    /// What raters are paid.
    pub pay: Option<String>,
    /// What in the texts may hurt.
    pub content_warning: Option<String>,
}

impl About {
    /// From the settings: under `people`, or beside the others.
    pub fn of(study: &StudyRecord) -> Self {
        let word = |name: &str| {
            let people = study.spec.get("people").and_then(|p| p.get(name));
            let value = people.or_else(|| study.spec.get(name)).and_then(Value::as_str)?;
            Some(value.trim().to_owned()).filter(|w| !w.is_empty())
        };
        Self {
            study_type: study.study_type,
            contact: word("contact"),
            ethics: word("ethics"),
            pay: word("pay"),
            content_warning: word("content_warning"),
        }
    }

    /// Seconds that an item takes, before the rater's own pace is known.
    pub fn seconds_an_item(&self) -> u64 {
        match self.study_type {
            StudyType::Similarity => 12,
            StudyType::Appropriateness => 25,
            StudyType::Preference => 40,
        }
    }

    /// One item, in a word.
    pub fn item_word(&self) -> &'static str {
        if self.study_type == StudyType::Appropriateness { "answer" } else { "pair" }
    }
}
