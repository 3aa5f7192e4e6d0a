//! Potato: `annotated_instances.jsonl` of one user, `user_state.json`, and its TSV or CSV.

use serde_json::{Map, Value};

use super::told::{Parsed, Told, fields, name_of};

/// What was chosen of a schema's labels: the label that is `true`, or the value beside one.
fn chosen(labels: &Value) -> Vec<Value> {
    let Some(labels) = labels.as_object() else { return vec![labels.clone()] };
    if let Some(inner) = labels.get("labels").filter(|l| l.is_object()) {
        return chosen(inner);
    }
    labels.iter().filter_map(|(label, value)| answer(label, value)).collect()
}

/// A label with its value: the value where it says more than yes.
fn answer(label: &str, value: &Value) -> Option<Value> {
    let yes = |s: &str| s.eq_ignore_ascii_case("true") || s.eq_ignore_ascii_case("on");
    match value {
        Value::Null | Value::Bool(false) => None,
        Value::Bool(true) => Some(Value::from(label)),
        Value::String(s) if s.is_empty() || s.eq_ignore_ascii_case("false") => None,
        Value::String(s) if yes(s) || s == label => Some(Value::from(label)),
        other => Some(other.clone()),
    }
}

fn put(told: &mut Told, schema: &str, mut values: Vec<Value>) {
    match values.len() {
        0 => {}
        1 => told.answers.push((schema.to_owned(), values.remove(0))),
        _ => told.answers.push((schema.to_owned(), Value::Array(values))),
    }
}

/// `Time spent: 0d 0h 0m 5s` in milliseconds.
pub(super) fn spent(data: Option<&Value>) -> Option<u32> {
    let data = data?;
    if let Some(ms) = data.get("total_time_ms").and_then(Value::as_u64) {
        return u32::try_from(ms).ok();
    }
    let text = data.get("time_string")?.as_str()?;
    let mut total = 0u64;
    let mut any = false;
    for part in text.rsplit(':').next()?.split_whitespace() {
        let (n, unit) = part.split_at(part.find(|c: char| c.is_ascii_alphabetic())?);
        let n: u64 = n.parse().ok()?;
        let seconds = match unit {
            "d" => 86_400,
            "h" => 3_600,
            "m" => 60,
            "s" => 1,
            _ => return None,
        };
        (total, any) = (total.checked_add(n.checked_mul(seconds)?)?, true);
    }
    any.then_some(())?;
    u32::try_from(total.checked_mul(1000)?).ok()
}

/// A line of `annotated_instances.jsonl`. It names no user: the folder it lies in does.
pub(super) fn line(out: &mut Parsed, number: u64, record: &Map<String, Value>, folder: &str) {
    let place = format!("record {number}");
    let user =
        ["user_id", "user", "annotator"].iter().find_map(|k| record.get(*k).and_then(name_of));
    let rater = match user {
        Some(user) => user,
        None if folder.is_empty() || folder == "annotation_output" => {
            return out.bad(
                number,
                place,
                "it does not say who rated: take the file in each user's folder, `user_state.json`, \
                 or the TSV",
            );
        }
        None => folder.to_owned(),
    };
    let mut told = Told { number, place, rater, ..Told::default() };
    told.ids.extend(["instance_id", "id"].iter().find_map(|k| record.get(*k).and_then(name_of)));
    told.texts.extend(record.get("displayed_text").and_then(name_of));
    told.active_ms = spent(record.get("behavioral_data"));
    for (schema, labels) in record["label_annotations"].as_object().into_iter().flatten() {
        put(&mut told, schema, chosen(labels));
    }
    out.told.push(told);
}

/// `user_state.json`: all that one user did.
pub(super) fn state(out: &mut Parsed, state: &Map<String, Value>) {
    let rater = state.get("user_id").and_then(name_of).unwrap_or_default();
    let items = state["instance_id_to_label_to_value"].as_object();
    let origin = state.get("origin").and_then(Value::as_object);
    let machine = origin.is_some_and(|o| {
        o.contains_key("machine_kind")
            || o.get("kind").and_then(Value::as_str).is_some_and(|k| k != "human")
    });
    for (n, (id, labels)) in items.into_iter().flatten().enumerate() {
        if machine {
            out.leave_out(format!("annotations of the machine `{rater}`: no person's"));
            continue;
        }
        let number = n as u64 + 1;
        let place = format!("record {number}, instance {id}");
        let mut told = Told { number, place, rater: rater.clone(), ..Told::default() };
        told.ids.push(id.clone());
        let times = state.get("instance_id_to_behavioral_data");
        told.active_ms = spent(times.and_then(|t| t.get(id)));
        match labels {
            Value::Object(schemas) => {
                for (schema, labels) in schemas {
                    put(&mut told, schema, chosen(labels));
                }
            }
            // a list of ({schema, name}, value)
            Value::Array(pairs) => {
                let schemas: std::collections::BTreeSet<&str> =
                    pairs.iter().filter_map(|p| p[0]["schema"].as_str()).collect();
                for schema in schemas {
                    let of = pairs.iter().filter(|p| p[0]["schema"].as_str() == Some(schema));
                    let values = of
                        .filter_map(|p| answer(p[0]["name"].as_str().unwrap_or_default(), &p[1]))
                        .collect();
                    put(&mut told, schema, values);
                }
            }
            _ => {
                out.bad(number, told.place, "expected labels by their schema");
                continue;
            }
        }
        out.told.push(told);
    }
}

/// Between schema and label in the name of a column.
pub(super) const BETWEEN: &str = ":::";

/// A row of the TSV: `user`, `instance_id`, `displayed_text`, `schema:::label` ..
pub(super) fn row(out: &mut Parsed, number: u64, record: &Map<String, Value>) {
    let rater =
        ["user", "user_id", "annotator"].iter().find_map(|k| record.get(*k).and_then(name_of));
    let mut told = Told {
        number,
        place: format!("line {number}"),
        rater: rater.unwrap_or_default(),
        ..Told::default()
    };
    fields(&mut told, record);
    told.texts.retain(|t| record.get("displayed_text").and_then(Value::as_str) == Some(t));
    let mut by: std::collections::BTreeMap<&str, Vec<Value>> = std::collections::BTreeMap::new();
    for (column, value) in record {
        if let Some((schema, label)) = column.split_once(BETWEEN) {
            by.entry(schema).or_default().extend(answer(label, value));
        }
    }
    for (schema, values) in by {
        put(&mut told, schema, values);
    }
    out.told.push(told);
}
