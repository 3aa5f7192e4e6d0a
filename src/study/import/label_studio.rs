//! Label Studio: its JSON (tasks with annotations), JSON-MIN, and CSV exports.

use serde_json::{Map, Value};

use super::told::{Parsed, Told, fields, is_ours, moment, name_of, seconds};

/// Who made an annotation: a number, an address, or an object with both. The number is taken
/// before the address.
fn who(value: Option<&Value>) -> String {
    match value {
        Some(Value::Object(o)) => {
            ["id", "email", "username"].iter().find_map(|k| o.get(*k).and_then(name_of))
        }
        Some(other) => name_of(other),
        None => None,
    }
    .unwrap_or_default()
}

/// A task of the JSON export.
pub(super) fn task(out: &mut Parsed, number: u64, record: &Map<String, Value>) {
    let place = format!("record {number}");
    let empty = Map::new();
    let data = record.get("data").and_then(Value::as_object).unwrap_or(&empty);
    for p in record.get("predictions").and_then(Value::as_array).into_iter().flatten() {
        let model = p.get("model_version").and_then(name_of).unwrap_or_else(|| "unnamed".into());
        out.leave_out(format!("predictions of the model `{model}`: no person's"));
    }
    let list = record.get("annotations").or_else(|| record.get("completions"));
    let Some(list) = list.and_then(Value::as_array) else {
        return out.bad(number, place, "no list `annotations`: expected a task of Label Studio");
    };
    for (n, a) in list.iter().enumerate() {
        let id = a.get("id").and_then(name_of).unwrap_or_else(|| (n + 1).to_string());
        let place = format!("record {number}, annotation {id}");
        let Some(a) = a.as_object() else {
            out.bad(number, place, "expected an annotation with `result`");
            continue;
        };
        let truth = |k: &str| a.get(k).and_then(Value::as_bool).unwrap_or(false);
        if truth("was_cancelled") || truth("skipped") {
            out.leave_out("skipped there: no rating");
            continue;
        }
        let mut told = Told { number, place, rater: who(a.get("completed_by")), ..Told::default() };
        fields(&mut told, data);
        told.ids.extend(record.get("id").and_then(name_of));
        told.rated_at = moment(a.get("updated_at")).or_else(|| moment(a.get("created_at")));
        told.active_ms = seconds(a.get("lead_time"));
        for r in a.get("result").and_then(Value::as_array).into_iter().flatten() {
            result(&mut told, r);
        }
        out.told.push(told);
    }
}

/// One region of an annotation: an answer, or words.
fn result(told: &mut Told, r: &Value) {
    let name = r.get("from_name").and_then(name_of).unwrap_or_default();
    let value = &r["value"];
    match r["type"].as_str().unwrap_or_default() {
        "choices" => told.answers.push((name, value["choices"].clone())),
        "rating" => told.answers.push((name, value["rating"].clone())),
        "number" => told.answers.push((name, value["number"].clone())),
        "textarea" => {
            let words = match &value["text"] {
                Value::Array(parts) => {
                    parts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
                }
                other => other.as_str().unwrap_or_default().to_owned(),
            };
            told.comment = Some(words).filter(|w| !w.trim().is_empty());
        }
        _ => {}
    }
}

/// Keys of JSON-MIN and CSV that are neither data nor answers.
const OWN: [&str; 8] = [
    "id",
    "annotator",
    "annotation_id",
    "created_at",
    "updated_at",
    "lead_time",
    "agreement",
    "comment",
];

/// A record of JSON-MIN, or a row of the CSV: data and answers stand beside each other.
pub(super) fn min(out: &mut Parsed, number: u64, record: &Map<String, Value>) {
    let place = match record.get("annotation_id").and_then(name_of) {
        Some(id) => format!("record {number}, annotation {id}"),
        None => format!("record {number}"),
    };
    let mut told = Told { number, place, rater: who(record.get("annotator")), ..Told::default() };
    fields(&mut told, record);
    told.ids.extend(record.get("id").and_then(name_of));
    told.rated_at = moment(record.get("updated_at")).or_else(|| moment(record.get("created_at")));
    told.active_ms = seconds(record.get("lead_time"));
    told.comment = record.get("comment").and_then(name_of);
    let answer = |(k, v): &(&String, &Value)| {
        !OWN.contains(&k.as_str())
            && !is_ours(k)
            && (v.is_number() || v.is_array() || v.as_str().is_some_and(|s| s.len() <= 80))
    };
    told.answers = record.iter().filter(answer).map(|(k, v)| (k.clone(), v.clone())).collect();
    out.told.push(told);
}
