use super::*;
use crate::domain::Question;
use crate::providers::{Partition, Scope};

#[derive(serde::Deserialize)]
struct SampleQuestions {
    questions: Vec<Question>,
}

fn questions() -> Vec<Question> {
    let text = include_str!("../../../sample_data/questions.json");
    serde_json::from_str::<SampleQuestions>(text).unwrap().questions
}

fn ask(n: usize, rng_seed: u64, partition: Partition) -> Ask {
    Ask { n, rng_seed, scope: Scope::of(partition) }
}

/// Not a check: prints every text for people to read. `POLYCULTURE_PRINT=Q33,election cargo test
/// --lib providers::offline::tests::print_all -- --nocapture`
#[test]
fn print_all() {
    let Ok(wanted) = std::env::var("POLYCULTURE_PRINT") else { return };
    let offline = Offline::new().unwrap();
    for q in questions() {
        if wanted != "all" && !wanted.split(',').any(|w| w == q.id.as_str()) {
            continue;
        }
        println!("\n{} {}", q.id, q.text);
        for side in [Partition::Train, Partition::HeldOut] {
            println!(" [{}]", side.as_str());
            let all = ask(30, 1, side);
            for p in offline.all_paraphrases(&q, &all) {
                println!("  {:<26} {}", p.template.as_deref().unwrap(), p.text().unwrap());
                let parent = Parent {
                    text: p.text().unwrap(),
                    template: p.template.as_deref(),
                    family: p.family.as_deref(),
                };
                for s in offline.substitute(&q, parent, &ask(4, 1, side)).unwrap() {
                    if let Some(text) = s.text() {
                        println!("  {:<26} {text}", "  +");
                    }
                }
            }
        }
    }
}
