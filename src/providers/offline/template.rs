//! Filling a template: `{slot}` is replaced by the seed's block of that name.

use std::collections::BTreeMap;

use super::agreement::capitalized;

/// The blocks of one seed by slot name.
pub(super) type Blocks = BTreeMap<String, String>;

/// The text, capital first; `None` where the seed lacks a block that the template needs.
pub(super) fn fill(template: &str, blocks: &Blocks) -> Option<String> {
    let mut out = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (slot, tail) = after.split_once('}')?;
        let block = blocks.get(slot)?;
        out.push_str(before);
        // A block that opens a sentence within the template needs its capital as well.
        if before.trim_end().ends_with(['.', '?']) {
            out.push_str(&capitalized(block));
        } else {
            out.push_str(block);
        }
        rest = tail;
        if block.is_empty() {
            // An empty block leaves no gap.
            while out.ends_with(' ') {
                out.pop();
            }
        }
    }
    out.push_str(rest);
    Some(capitalized(&out))
}

/// The names of the slots, in order.
pub(super) fn slots(template: &str) -> Vec<&str> {
    template.split('{').skip(1).filter_map(|s| s.split_once('}').map(|(slot, _)| slot)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_put_in_with_their_capitals_and_without_gaps() {
        let blocks: Blocks = [("a", "dogs bark"), ("gone", ""), ("be", "are")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into();
        let cases = [
            ("In my view, {a}.", Some("In my view, dogs bark.")),
            ("{a}.", Some("Dogs bark.")),
            ("Consider this. {a}, {be} they?", Some("Consider this. Dogs bark, are they?")),
            ("How often {a} {gone}?", Some("How often dogs bark?")),
            ("{missing}.", None),
            ("{torn", None),
        ];
        for (template, expected) in cases {
            assert_eq!(fill(template, &blocks).as_deref(), expected, "{template}");
        }
        assert_eq!(slots("{a} and {be}, {a}"), ["a", "be", "a"]);
    }
}
