//! Who may rate an item: by language and by culture.

use crate::domain::same_language;

use super::{Item, Rater, RaterKind};

impl Rater {
    /// True where the rater declares the item's language (`pt` fits `pt-BR`) and, where the item
    /// has a culture and the rater declares any, that culture. One answer by itself is judged by
    /// people of its culture only, declared or not at all. Models have no culture.
    pub fn may_rate(&self, item: &Item) -> bool {
        let speaks = self.languages.iter().any(|l| same_language(l, &item.language));
        let one_answer = item.context.is_some() && item.seed_text.is_empty();
        let belongs = match &item.culture {
            None => true,
            Some(_) if self.kind == RaterKind::Judge => true,
            Some(_) if self.cultures.is_empty() => !one_answer,
            Some(culture) => self.cultures.contains(culture),
        };
        speaks && belongs
    }
}
