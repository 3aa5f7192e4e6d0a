//! The rule data: read once, checked, and looked up by seed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::lexicon::Entry;
use super::template::{Blocks, slots};
use crate::domain::{Form, Question};
use crate::providers::{Family, Partition, ProviderError, Scope};
use crate::text::folded_words;

/// The rule files, embedded: name and text.
pub(super) const FILES: [(&str, &str); 4] = [
    ("templates.toml", include_str!("rules/templates.toml")),
    ("statements.toml", include_str!("rules/statements.toml")),
    ("questions.toml", include_str!("rules/questions.toml")),
    ("lexicon.toml", include_str!("rules/lexicon.toml")),
];

/// A structural template.
#[derive(Debug, Clone)]
pub(super) struct Template {
    /// `statement/order.bare`.
    pub name: String,
    /// The family it is held out with.
    pub family: Family,
    /// The text with `{slot}`s.
    pub text: String,
}

/// Templates by group, blocks by seed, the lexicon.
#[derive(Debug)]
pub(super) struct Rules {
    /// Templates by group.
    pub groups: BTreeMap<String, Vec<Template>>,
    /// Blocks by seed id; `group` is one of them.
    pub seeds: BTreeMap<String, Blocks>,
    /// The lexicon.
    pub lexicon: Vec<Entry>,
    families: BTreeMap<String, Partition>,
    /// Word stems of a seed's blocks and templates, worked out when first asked for.
    known: BTreeMap<String, OnceLock<BTreeSet<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TemplateFile {
    families: BTreeMap<String, Partition>,
    groups: BTreeMap<String, BTreeMap<String, BTreeMap<String, String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LexiconFile {
    entry: Vec<Entry>,
}

fn read<T: DeserializeOwned>(file: usize) -> Result<T, ProviderError> {
    let (name, text) = FILES[file];
    toml::from_str(text).map_err(|e| bad(name, e.to_string()))
}

fn bad(file: &str, detail: impl Into<String>) -> ProviderError {
    ProviderError::Rules { file: file.into(), detail: detail.into() }
}

impl Rules {
    /// Reads and checks the embedded files.
    pub(super) fn embedded() -> Result<Self, ProviderError> {
        let file: TemplateFile = read(0)?;
        let mut groups = BTreeMap::new();
        for (group, by_family) in file.groups {
            let mut templates = Vec::new();
            for (family, by_name) in by_family {
                let partition = *file.families.get(&family).ok_or_else(|| {
                    bad(FILES[0].0, format!("[families] lacks `{family}`: add its side"))
                })?;
                for (name, text) in by_name {
                    templates.push(Template {
                        name: format!("{group}/{family}.{name}"),
                        family: Family { name: family.clone(), partition },
                        text,
                    });
                }
            }
            groups.insert(group, templates);
        }
        let mut seeds: BTreeMap<String, Blocks> = read(1)?;
        seeds.extend(read::<BTreeMap<String, Blocks>>(2)?);
        let LexiconFile { entry: lexicon } = read(3)?;
        let known = seeds.keys().map(|id| (id.clone(), OnceLock::new())).collect();
        let rules = Self { groups, seeds, lexicon, families: file.families, known };
        rules.check()?;
        Ok(rules)
    }

    /// Names that lead nowhere, and blocks that no template uses, are mistakes in the files.
    fn check(&self) -> Result<(), ProviderError> {
        for (id, blocks) in &self.seeds {
            let templates =
                blocks.get("group").and_then(|g| self.groups.get(g)).ok_or_else(|| {
                    bad("statements.toml, questions.toml", format!("{id} has no known `group`"))
                })?;
            let used: BTreeSet<&str> = templates.iter().flat_map(|t| slots(&t.text)).collect();
            if let Some(slot) = blocks.keys().find(|k| *k != "group" && !used.contains(k.as_str()))
            {
                return Err(bad(
                    "statements.toml, questions.toml",
                    format!("{id}: no template uses `{slot}`"),
                ));
            }
        }
        for entry in &self.lexicon {
            let detail = if entry.from.len() != entry.to.len() || entry.from.is_empty() {
                "every form of `from` needs one of `to`".to_owned()
            } else if let Some(of) = entry
                .of
                .iter()
                .find(|of| !self.seeds.contains_key(*of) && !self.groups.contains_key(*of))
            {
                format!("`{of}` is neither a seed nor a group")
            } else {
                continue;
            };
            return Err(bad(FILES[3].0, format!("{}: {detail}", entry.rule())));
        }
        Ok(())
    }

    /// The templates and blocks for a seed: its own, or a frame for any clause.
    pub(super) fn applicable(&self, seed: &Question) -> Option<(&[Template], Blocks)> {
        if let Some((group, blocks)) = self.own(seed) {
            return Some((self.groups.get(group)?, blocks.clone()));
        }
        if !is_english(seed) {
            return None;
        }
        let group = match seed.form {
            Form::Statement => "any-statement",
            Form::Question => "any-question",
        };
        let clause = lower_start(seed.text.trim().trim_end_matches(['.', '?', '!']))?;
        Some((self.groups.get(group)?, [("clause".to_owned(), clause)].into()))
    }

    /// The blocks written for this seed, and their group.
    fn own(&self, seed: &Question) -> Option<(&str, &Blocks)> {
        let blocks = self.seeds.get(seed.id.as_str())?;
        let group = blocks.get("group")?.as_str();
        let form = if matches!(group, "statement" | "personal" | "effect") {
            Form::Statement
        } else {
            Form::Question
        };
        (is_english(seed) && seed.form == form && self.says_the_same(seed, group, blocks))
            .then_some((group, blocks))
    }

    /// Whether the wording at hand is the question that the blocks were written for. An imported
    /// question may reuse an id for something else: most of its longer words must be known here.
    fn says_the_same(&self, seed: &Question, group: &str, blocks: &Blocks) -> bool {
        let Some(cell) = self.known.get(seed.id.as_str()) else { return false };
        let known = cell.get_or_init(|| {
            let templates = self.groups.get(group).into_iter().flatten();
            blocks.values().chain(templates.map(|t| &t.text)).flat_map(|t| stems(t)).collect()
        });
        let asked: BTreeSet<String> = stems(&seed.text).collect();
        asked.iter().filter(|w| known.contains(*w)).count() * 2 >= asked.len()
    }

    /// The lexicon entries for a seed, of the side in scope.
    pub(super) fn entries(&self, seed: &Question, scope: &Scope) -> Vec<&Entry> {
        let Some((group, _)) = self.own(seed) else { return Vec::new() };
        self.lexicon
            .iter()
            .filter(|e| scope.allows_side(e.side))
            .filter(|e| e.of.iter().any(|of| of == seed.id.as_str() || of == group))
            .collect()
    }

    /// Refuses a family that no template belongs to.
    pub(super) fn check_families(&self, names: &[String]) -> Result<(), ProviderError> {
        match names.iter().find(|n| !self.families.contains_key(*n)) {
            Some(name) => Err(ProviderError::UnknownFamily {
                name: name.clone(),
                expected: self.families.keys().cloned().collect::<Vec<_>>().join(", "),
            }),
            None => Ok(()),
        }
    }
}

/// The first five letters of the longer words: `elections` and `election` count as one.
fn stems(text: &str) -> impl Iterator<Item = String> {
    folded_words(text)
        .into_iter()
        .filter(|w| w.chars().count() > 3)
        .map(|w| w.chars().take(5).collect())
}

fn is_english(seed: &Question) -> bool {
    seed.language == "en" || seed.language.starts_with("en-")
}

/// Words that may be lowered at the start of a clause: none of them is a name.
const LOWERABLE: [&str; 34] = [
    "A", "All", "An", "Are", "Because", "Being", "Do", "Does", "Every", "Having", "How", "If",
    "In", "Is", "It", "Most", "My", "On", "One", "Our", "Parents", "People", "Should", "Some",
    "The", "There", "They", "To", "We", "What", "When", "Whenever", "Women", "Men",
];

/// The clause with a small first letter; `None` where the first word may be a name.
fn lower_start(text: &str) -> Option<String> {
    let first = text.split(|c: char| !c.is_alphabetic()).next()?;
    if first == "I" {
        return Some(text.to_owned());
    }
    LOWERABLE.contains(&first).then(|| {
        let mut chars = text.chars();
        chars.next().map(|c| c.to_lowercase().chain(chars).collect()).unwrap_or_default()
    })
}
