//! Damage that no command of ours does, for the tests of those who must find it.

use std::path::Path;

/// Name and statement of each kind of damage to a study named `pilot`.
const KINDS: [(&str, &str); 8] = [
    ("text", "UPDATE item SET sample_text = 'x' WHERE kind = 'sample'"),
    ("rater of an event", "UPDATE rating_event SET rater = 'r01' WHERE id = 1"),
    (
        "second submit",
        "INSERT INTO rating_event (event_uuid, assignment, rater, at, kind, score, app_version) \
         SELECT 'u', assignment, rater, at, kind, 1, app_version FROM rating_event WHERE id = 1",
    ),
    (
        "slot",
        "UPDATE assignment SET slot = 7 WHERE id = (SELECT a.id FROM assignment a JOIN item i \
         ON i.study = a.study AND i.id = a.item WHERE i.kind = 'sample' LIMIT 1)",
    ),
    ("languages", "UPDATE rater SET languages = '[\"de\"]' WHERE id = 'r01'"),
    ("k", "UPDATE study SET k = 5"),
    (
        "amendment",
        "INSERT INTO study_amendment VALUES ('pilot', 2, '2020-01-01T00:00:00Z', 'x', 'y', '{}')",
    ),
    (
        "withdrawal",
        "INSERT INTO withdrawal VALUES ('pilot', 'r00', '2020-01-01T00:00:00Z', 0, 0, 0)",
    ),
];

/// Does one of them to a database, past all rules of its tables.
pub(crate) fn damage(file: &Path, kind: &str) {
    let conn = rusqlite::Connection::open(file).unwrap();
    let rules: Vec<String> = conn
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |r| r.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for rule in rules {
        conn.execute_batch(&format!("DROP TRIGGER {rule}")).unwrap();
    }
    let sql = KINDS.iter().find(|(name, _)| *name == kind).unwrap().1;
    assert!(conn.execute(sql, []).unwrap() > 0, "{kind}");
}
