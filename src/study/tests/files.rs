use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::study::{Rating, RatingFile, StudyError, read_ratings};

fn read(text: &str, strict: bool) -> Result<RatingFile, StudyError> {
    let dir = tempfile::tempdir().unwrap();
    read_ratings(&file(dir.path(), text), None, strict)
}

#[test]
fn each_bad_line_is_named_with_its_reason_and_the_others_are_kept() {
    let text = "rater,item,score\nr1,i1,0\nr1,i2,6\nr1,i3,4.5\nr1,i4,\nr1,i5,4\nr1,i5,3\n\
                r1,ghost,3\nr1\n,i6,3\nr1,,3\nr1,i7,five\nr2,i5,5.0\nr3,i5,NaN\nr4,i5,-1\n";
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), text);
    let known: BTreeSet<String> = (1..=7).map(|n| format!("i{n}")).collect();
    let out = read_ratings(&path, Some(&known), false).unwrap();
    let scores: Vec<u8> = out.ratings.iter().map(|r| r.score).collect();
    assert_eq!((scores, out.lines.clone(), out.rows), (vec![4, 5], vec![6, 13], 14));
    let expected = [
        (2, "never rescaled"),
        (3, "expected 1 to 5"),
        (4, "whole number"),
        (5, "no score"),
        (7, "in line 6"),
        (8, "no item `ghost`"),
        (9, "1 fields, expected 3"),
        (10, "no rater"),
        (11, "no item"),
        (12, "`five`"),
        (14, "whole number"),
        (15, "expected 1 to 5"),
    ];
    for ((line, words), bad) in expected.iter().zip(&out.bad) {
        assert_eq!(bad.line, *line);
        assert!(bad.reason.contains(words), "line {line}: {}", bad.reason);
    }
    assert_eq!(out.bad.len(), expected.len());
}

/// Columns of our own exports say who rated what.
#[test]
fn an_export_read_back_counts_people_on_samples_and_says_what_it_left_out() {
    let text = "item,item_kind,rater,rater_kind,kind,score\n\
                i1,sample,r1,human,submit,4\n\
                i2,anchor,r1,human,edit,5\n\
                i3,repeat,r1,human,submit,1\n\
                i4,control-identical,r1,human,submit,5\n\
                i1,sample,j1,judge,submit,1\n\
                i1,sample,s1,scripted,submit,1\n";
    let out = read(text, true).unwrap();
    let taken: Vec<(&str, u8)> = out.ratings.iter().map(|r| (r.item.as_str(), r.score)).collect();
    assert_eq!(taken, [("i1", 4), ("i2", 5), ("i1", 1)]);
    assert!(out.notes.iter().any(|n| n.starts_with("1 ratings are of scripts")));
    let dir = tempfile::tempdir().unwrap();
    let known: BTreeSet<String> = (1..=4).map(|n| format!("i{n}")).collect();
    let into = read_ratings(&file(dir.path(), text), Some(&known), true).unwrap();
    assert_eq!(into.ratings.len(), 4, "people's, on whatever the study has");
    assert_eq!(out.notes.len(), 3, "{:?}", out.notes);
    assert!(out.notes.iter().any(|n| n.contains("2 ratings left out: of controls and repeats")));
    // the log holds what was changed afterwards
    let log = "item,rater,rater_kind,kind,score\ni1,r1,human,submit,4\ni1,r1,human,undo,\n";
    let refused = read(log, false).unwrap_err().to_string();
    assert!(refused.contains("--rows current"), "{refused}");
}

#[test]
fn strict_takes_nothing_from_a_file_with_one_bad_line() {
    let text = "rater,item,score\nr1,i1,4\nr1,i2,9\n";
    assert_eq!(read(text, false).unwrap().ratings.len(), 1);
    let said = read(text, true).unwrap_err().to_string();
    assert!(said.contains("1 of 2") && said.contains("line 3"), "{said}");
}

#[test]
fn files_that_are_no_ratings_are_refused_with_the_reason() {
    for (text, words) in [
        ("", "empty"),
        ("rater,item\nr1,i1\n", "`score`"),
        ("rater,score\nr1,1\n", "`item`"),
        ("rater,item,score\n", "no usable rating"),
        ("rater,item,score\nr1,i1,7\n", "line 2"),
    ] {
        let said = read(text, false).unwrap_err().to_string();
        assert!(said.contains(words), "{text:?}: {said}");
    }
    assert!(read_ratings(Path::new("no such file"), None, false).is_err());
}

#[test]
fn a_line_that_is_not_utf8_is_a_bad_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.csv");
    std::fs::write(&path, b"rater,item,score\nr1,i1,4\nr\xff,i1,4\nr2,i1,5\n").unwrap();
    let out = read_ratings(&path, None, false).unwrap();
    assert_eq!((out.ratings.len(), out.bad.len(), out.bad[0].line), (2, 1, 3));
}

#[test]
fn headers_in_any_case_other_names_delimiters_and_seeds_are_understood() {
    let expected = |cluster: Option<&str>| Rating {
        item: "i1".into(),
        rater: "r1".into(),
        score: 4,
        cluster: cluster.map(str::to_owned),
    };
    for (text, cluster) in [
        ("\u{feff}RATER;Item;SCORE\nr1;i1;4\n", None),
        ("annotator\tsample_id\trating\tSeed\nr1\ti1\t4\tQ27\n", Some("Q27")),
        ("cluster,item,rater,score\n,i1,r1,4\n", None),
        ("x,seed,item,rater,score\n\"a,b\",Q1,i1,r1,4\n", Some("Q1")),
    ] {
        assert_eq!(read(text, true).unwrap().ratings, [expected(cluster)], "{text:?}");
    }
}

#[test]
fn an_item_has_one_seed() {
    let out = read("rater,item,score,seed\nr1,i1,4,Q1\nr2,i1,4,Q2\n", false).unwrap();
    assert_eq!((out.ratings.len(), out.bad[0].line), (1, 3));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused_and_every_row_is_accounted_for(
        body in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csv");
        let mut bytes = b"rater,item,score\n".to_vec();
        bytes.extend(body);
        std::fs::write(&path, bytes).unwrap();
        if let Ok(out) = read_ratings(&path, None, false) {
            prop_assert_eq!(out.ratings.len() + out.bad.len(), out.rows);
            prop_assert!(out.ratings.iter().all(|r| (1..=5).contains(&r.score)));
        }
    }

    #[test]
    fn good_rows_read_back(scores in proptest::collection::vec(1u8..=5, 1..40)) {
        let rows: Vec<String> =
            scores.iter().enumerate().map(|(i, s)| format!("r,i{i},{s}")).collect();
        let rows = rows.join("\n");
        let out = read(&format!("rater,item,score\n{rows}"), true).unwrap();
        let back: Vec<u8> = out.ratings.iter().map(|r| r.score).collect();
        prop_assert_eq!(back, scores);
    }
}
