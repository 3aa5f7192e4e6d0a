//! Contexts and the made-up people, at their door.

use super::*;

fn survey() -> Survey {
    crate::seeds::sample::survey().unwrap()
}

#[test]
fn a_wrong_line_is_named_with_its_number() {
    let s = survey();
    for (text, word) in [
        ("{\"culture\": \"greek\", \"text\": \"a\"}\n{\"culture\": \"greek\"}", "line 2"),
        ("{\"culture\": \"atlantis\", \"text\": \"a\"}", "atlantis"),
        ("{\"culture\": \"greek\", \"text\": \"  \"}", "empty"),
        ("culture,text\n", "expected"),
    ] {
        let e = Contexts::parse(text, "c.jsonl", &s).unwrap_err().to_string();
        assert!(e.contains(word) && e.contains("c.jsonl"), "{e}");
    }
}

#[test]
fn the_nearest_passages_are_chosen_and_words_stay_whole() {
    let s = survey();
    let text = "{\"culture\": \"greek\", \"text\": \"Ships and islands.\"}\n\
                    {\"culture\": \"greek\", \"text\": \"Work is seen as a duty to others.\"}\n";
    let mut c = Contexts::parse(text, "c.jsonl", &s).unwrap();
    let greek = CultureId::new("greek").unwrap();
    c.budget = 40;
    assert_eq!(c.about(&greek, "Work is a duty."), "Work is seen as a duty to others.");
    c.budget = 1200;
    assert!(c.about(&greek, "Work is a duty.").starts_with("Ships"));
    c.budget = 12;
    assert_eq!(c.about(&greek, "Work is a duty."), "Work is");
    let all: Vec<&Culture> = s.cultures.iter().collect();
    assert!(c.check(&all).unwrap_err().to_string().contains("korean"));
}

#[test]
fn the_made_up_people_is_no_culture_of_the_survey() {
    let people = made_up_culture().unwrap();
    assert!(survey().cultures.iter().all(|c| c.name != people.name && c.id != people.id));
}
