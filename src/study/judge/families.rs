//! Families of models: a judge of the family that wrote the texts may favour its own.

use std::collections::BTreeSet;

use crate::store::ItemOrigin;

/// How names of models begin, and the family they stand for. Makers name many models; what is not
/// here is compared by its whole name.
const FAMILIES: [(&str, &[&str]); 17] = [
    ("gpt", &["gpt", "chatgpt", "davinci", "o1", "o3", "o4"]),
    ("gemini", &["gemini", "gemma", "palm", "bard"]),
    ("claude", &["claude"]),
    ("llama", &["llama", "vicuna", "alpaca"]),
    ("mistral", &["mistral", "mixtral", "ministral", "magistral", "codestral"]),
    ("qwen", &["qwen", "qwq"]),
    ("deepseek", &["deepseek"]),
    ("phi", &["phi"]),
    ("command", &["command", "aya"]),
    ("glm", &["glm", "chatglm"]),
    ("grok", &["grok"]),
    ("yi", &["yi"]),
    ("smollm", &["smollm"]),
    ("granite", &["granite"]),
    ("olmo", &["olmo", "tulu"]),
    ("falcon", &["falcon"]),
    ("exaone", &["exaone"]),
];

/// Families that a name speaks of: `lab/Qwen2.5-7B-Instruct` is `qwen`.
fn families(name: &str) -> BTreeSet<&'static str> {
    let lower = name.to_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric());
    words
        .filter_map(|word| {
            // the version may be written on: qwen2, llama3
            let stem = word.trim_end_matches(|c: char| c.is_ascii_digit());
            let known = |names: &[&str]| names.contains(&stem) || names.contains(&word);
            FAMILIES.iter().find(|(_, names)| known(names)).map(|(family, _)| *family)
        })
        .collect()
}

/// What of the items' writers the judge shares a family with: the family's name, or the whole name
/// where it is the very same one. `None`: nothing known is shared.
pub(super) fn shared<'a>(
    judge: &[&str],
    origins: impl Iterator<Item = &'a ItemOrigin>,
) -> Option<String> {
    let mine: BTreeSet<&str> = judge.iter().flat_map(|n| families(n)).collect();
    // `openai:lab/model`, `lab/model` and `model` are one model
    let plain = |name: &str| name.rsplit([':', '/']).next().unwrap_or(name).to_lowercase();
    let names: BTreeSet<String> = judge.iter().map(|n| plain(n)).collect();
    let mut seen = BTreeSet::new();
    for origin in origins {
        for writer in origin.models.iter().chain(&origin.provider) {
            if !seen.insert(writer.as_str()) || writer.starts_with("offline") {
                continue;
            }
            if let Some(family) = families(writer).intersection(&mine).next() {
                return Some((*family).to_owned());
            }
            if names.contains(&plain(writer)) {
                return Some(plain(writer));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_known_by_a_word_of_the_name_and_by_nothing_less() {
        for (name, family) in [
            ("lab/Qwen2.5-7B-Instruct", Some("qwen")),
            ("openai:gpt-4o-mini", Some("gpt")),
            ("o3-mini", Some("gpt")),
            ("meta-llama/Llama-3.1-8B", Some("llama")),
            ("llama3", Some("llama")),
            ("gemini-1.5-pro", Some("gemini")),
            ("phil", None),
            ("command-r-plus", Some("command")),
            ("yield", None),
            ("judge", None),
            ("", None),
        ] {
            assert_eq!(families(name).into_iter().next(), family, "{name}");
        }
    }

    #[test]
    fn a_judge_is_marked_where_its_family_or_its_very_name_wrote() {
        let of = |provider: &str, models: &[&str]| ItemOrigin {
            provider: Some(provider.into()),
            models: models.iter().map(|m| (*m).to_owned()).collect(),
            ..ItemOrigin::default()
        };
        let items = [of("offline", &[]), of("openai:lab/big", &["Qwen2.5-7B"])];
        assert_eq!(shared(&["other/Big"], items.iter()), Some("big".into()));
        assert_eq!(shared(&["lab"], items.iter()), None, "one house, another model");
        assert_eq!(shared(&["x", "qwen3-32b"], items.iter()), Some("qwen".into()));
        assert_eq!(shared(&["gpt-4o"], items.iter()), None);
        assert_eq!(shared(&["offline"], [of("offline", &[])].iter()), None, "rules are no model");
    }
}
