//! Argilla: records with responses, nested (`to_json`), flat (`to_datasets`) or as its service
//! gives them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::told::{Parsed, Told, fields, moment, name_of};

/// Responses that count: submitted ones, and those without a word on it.
fn counts(status: Option<&Value>) -> bool {
    status.and_then(Value::as_str).is_none_or(|s| s == "submitted")
}

const NOT_SUBMITTED: &str = "a draft or discarded there: no rating";

/// Keys of a flat record that end in one of these belong to a response or a suggestion.
const RESPONSES: &str = ".responses";

/// One record, whatever the form.
pub(super) fn record(out: &mut Parsed, number: u64, record: &Map<String, Value>) {
    let mut base =
        Told { number, place: format!("record {number}"), rater: String::new(), ..Told::default() };
    let inner = |key: &str| record.get(key).and_then(Value::as_object);
    for part in [inner("metadata"), inner("fields"), Some(record)].into_iter().flatten() {
        fields(&mut base, part);
    }
    let id = ["external_id", "id"].iter().find_map(|k| record.get(*k).and_then(name_of));
    base.ids.extend(id);
    suggestions(out, record);

    let mut by: BTreeMap<String, Told> = BTreeMap::new();
    let mut answer = |rater: Option<String>, question: &str, value: &Value| {
        let rater = rater.unwrap_or_default();
        let told = by.entry(rater.clone()).or_insert_with(|| {
            let place =
                format!("{}, user {}", base.place, if rater.is_empty() { "?" } else { &rater });
            Told { rater: rater.clone(), place, ..base.clone() }
        });
        told.answers.push((question.to_owned(), value.clone()));
    };
    let mut times = Vec::new();
    let mut unsent = 0;
    match record.get("responses") {
        Some(Value::Object(questions)) => {
            for (question, list) in questions {
                for r in list.as_array().into_iter().flatten() {
                    if counts(r.get("status")) {
                        answer(r.get("user_id").and_then(name_of), question, &r["value"]);
                    } else {
                        unsent += 1;
                    }
                }
            }
        }
        Some(Value::Array(responses)) => {
            for r in responses {
                if !counts(r.get("status")) {
                    unsent += 1;
                    continue;
                }
                let rater = r.get("user_id").and_then(name_of);
                let at = moment(r.get("updated_at")).or_else(|| moment(r.get("inserted_at")));
                times.push((rater.clone().unwrap_or_default(), at));
                for (question, v) in r["values"].as_object().into_iter().flatten() {
                    answer(rater.clone(), question, v.get("value").unwrap_or(v));
                }
            }
        }
        _ => {
            for (key, values) in record {
                if let Some(question) = key.strip_suffix(RESPONSES) {
                    let list = |end: &str| record.get(&format!("{key}.{end}"))?.as_array();
                    let (users, status) = (list("users"), list("status"));
                    for (n, v) in values.as_array().into_iter().flatten().enumerate() {
                        if counts(status.and_then(|s| s.get(n))) {
                            answer(users.and_then(|u| u.get(n)).and_then(name_of), question, v);
                        } else {
                            unsent += 1;
                        }
                    }
                } else if let Some(list) = values.as_array().filter(|l| is_list(l)) {
                    for r in list {
                        if counts(r.get("status")) {
                            answer(r.get("user_id").and_then(name_of), key, &r["value"]);
                        } else {
                            unsent += 1;
                        }
                    }
                }
            }
        }
    }
    (0..unsent).for_each(|_| out.leave_out(NOT_SUBMITTED));
    for (rater, at) in times {
        if let Some(told) = by.get_mut(&rater) {
            told.rated_at = at;
        }
    }
    out.told.extend(by.into_values());
}

/// Responses as a list under the question's own name.
fn is_list(list: &[Value]) -> bool {
    !list.is_empty() && list.iter().all(|r| r.get("user_id").is_some() && r.get("value").is_some())
}

/// True for a record that has responses in one of the forms.
pub(super) fn is_record(record: &Map<String, Value>) -> bool {
    record.get("responses").is_some_and(|r| r.is_object() || r.is_array())
        || record.keys().any(|k| k.ends_with(RESPONSES))
        || record.values().any(|v| v.as_array().is_some_and(|l| is_list(l)))
}

/// Suggestions are models' answers.
fn suggestions(out: &mut Parsed, record: &Map<String, Value>) {
    let mut agents: Vec<&Value> = Vec::new();
    match record.get("suggestions") {
        Some(Value::Object(by)) => agents.extend(by.values()),
        Some(Value::Array(list)) => agents.extend(list),
        _ => {}
    }
    let mut names: Vec<String> = agents
        .into_iter()
        .filter(|s| s.get("value").is_some_and(|v| !v.is_null()))
        .map(|s| s.get("agent").and_then(name_of).unwrap_or_else(|| "unnamed".into()))
        .collect();
    for (key, value) in record {
        if let Some(question) = key.strip_suffix(".suggestion").filter(|_| !value.is_null()) {
            let agent = record.get(&format!("{question}.suggestion.agent")).and_then(name_of);
            names.push(agent.unwrap_or_else(|| "unnamed".into()));
        }
    }
    for name in names {
        out.leave_out(format!("suggestions of the model `{name}`: no person's"));
    }
}
