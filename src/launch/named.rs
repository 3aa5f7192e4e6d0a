//! Which models the documents of a run's input name: whatever activity froze them, the run needs
//! their secrets, their limits and the replies that were paid for before.

use serde_json::Value;

use crate::providers::ModelSource;

/// Every model source inside a JSON document, in its order.
pub(super) fn sources_in(value: &Value, found: &mut Vec<ModelSource>) {
    if let Ok(source) = serde_json::from_value::<ModelSource>(value.clone()) {
        if !found.contains(&source) {
            found.push(source);
        }
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|v| sources_in(v, found)),
        Value::Object(fields) => fields.values().for_each(|v| sources_in(v, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_found_wherever_they_stand_and_once() {
        let lab = ModelSource::Endpoint { provider: "lab".into(), model: "m".into() };
        let dir = ModelSource::Folder { name: "d".into(), dir: "/d".into(), adapter: None };
        let doc = serde_json::json!({
            "judge": {"source": lab}, "models": [{"source": dir}, {"source": lab}], "kind": "x",
        });
        let mut found = Vec::new();
        sources_in(&doc, &mut found);
        assert_eq!(found, [lab, dir]);
    }
}
