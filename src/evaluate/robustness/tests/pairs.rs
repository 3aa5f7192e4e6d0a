//! Pairs for people: files that are wrong first, then out and back.

use std::path::{Path, PathBuf};

use super::super::*;

fn file(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn text_files_and_verdicts_are_refused_with_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    for (name, text, words) in [
        ("a.jsonl", "", &["no text"][..]),
        ("b.jsonl", "{\"text\":\"x\"}\n{\"words\":\"y\"}\n", &["line 2", "tweet"]),
        (
            "c.jsonl",
            "{\"id\":\"1\",\"text\":\"x\"}\n{\"id\":\"1\",\"text\":\"y\"}\n",
            &["line 2", "line 1"],
        ),
        ("d.csv", "words\nx\n", &["text"]),
        ("e.csv", "id,text\n1,a,b\n", &["line 2"]),
    ] {
        let e = read_texts(&file(dir.path(), name, text)).unwrap_err().to_string();
        assert!(e.contains(name) && words.iter().all(|w| e.contains(w)), "{name}: {e}");
    }
    let head = "pair,item,change,label,original,changed,verdict\n";
    for (name, text, word) in [
        ("v.csv", "pair,item\n1,x\n".to_owned(), "verdict"),
        ("w.csv", format!("{head}1,x,typos:0.2,1,a,b,perhaps\n"), "line 2"),
        ("x.csv", format!("{head}1,x\n"), "line 2"),
    ] {
        let e = read_verdicts(&file(dir.path(), name, &text)).unwrap_err().to_string();
        assert!(e.contains(word), "{name}: {e}");
    }
}

#[test]
fn pairs_go_out_to_a_person_and_come_back_as_a_share_with_its_interval() {
    let dir = tempfile::tempdir().unwrap();
    let lines: String = (0..40)
        .map(|i| format!("{{\"id\":\"t{i}\",\"comment\":\"A kind word, \\\"quoted\\\", for letter {i}\",\"label\":\"0\"}}\n"))
        .collect();
    let texts = read_texts(&file(dir.path(), "t.jsonl", &lines)).unwrap();
    let changes: Vec<Change> =
        ["typos:0.3", "look-alike:0.3"].iter().map(|c| c.parse().unwrap()).collect();
    let pairs = perturb(&texts, &changes, 3, "");
    assert_eq!(pairs.len(), 80);
    let drawn = draw_pairs(&pairs, 50, 1);
    assert_eq!(drawn.len(), 50);
    assert_eq!(drawn, draw_pairs(&pairs, 50, 1));
    let of = |c: &str| drawn.iter().filter(|p| p.change.to_string() == c).count();
    assert_eq!((of("typos:0.3"), of("look-alike:0.3")), (25, 25), "the changes in turn");
    let first: std::collections::BTreeSet<&str> =
        drawn[..40].iter().map(|p| p.item.as_str()).collect();
    assert_eq!(first.len(), 40, "no text twice while there are others");
    assert_eq!(draw_pairs(&pairs, 500, 1).len(), 80, "no more than there are");
    let path = dir.path().join("check.csv");
    write_pairs(&drawn, std::fs::File::create(&path).unwrap()).unwrap();
    let open = read_verdicts(&path).unwrap();
    assert_eq!((open.pairs, open.open, open.rows[0].value), (50, 50, None));
    // the person fills in 40 yes, 5 no, 2 unsure and leaves three
    let text = std::fs::read_to_string(&path).unwrap();
    let mut n = 0;
    let filled: String = text
        .lines()
        .map(|l| {
            n += 1;
            let word = match n {
                1 => "",
                2..=41 => "yes",
                42..=46 => "No",
                47..=48 => "unsure",
                _ => "",
            };
            format!("{l}{word}\n")
        })
        .collect();
    std::fs::write(&path, filled).unwrap();
    let v = read_verdicts(&path).unwrap();
    assert_eq!((v.kept, v.lost, v.unsure, v.open), (40, 5, 2, 3));
    assert_eq!((v.rows[0].n, v.rows[0].value), (45, Some(40.0 / 45.0)));
    assert!(v.rows[0].ci.is_some() && v.rows.len() == 3);
}

#[test]
fn survey_seeds_are_changed_too_and_reworded_by_the_held_out_rules() {
    let survey = crate::seeds::sample::survey().unwrap();
    let changes: Vec<Change> = ["typos:0.3", "paraphrase:0.5", "injection:0.2"]
        .iter()
        .map(|c| c.parse().unwrap())
        .collect();
    let pairs = perturb_seeds(&survey.questions, &changes, 1).unwrap();
    let of = |kind: ChangeKind| pairs.iter().filter(|p| p.change.kind() == kind).count();
    assert_eq!((of(ChangeKind::Typos), of(ChangeKind::Injection)), (50, 50));
    assert!(of(ChangeKind::Paraphrase) >= 40, "{}", of(ChangeKind::Paraphrase));
    assert!(pairs.iter().all(|p| p.text != p.original), "each text changed");
    assert_eq!(pairs, perturb_seeds(&survey.questions, &changes, 1).unwrap());
}
