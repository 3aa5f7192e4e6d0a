//! The job over a language model, from its door: real folders, scripted replies.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::super::similarity::Lexical;
use super::super::*;
use crate::domain::{Decision, Question, Sample, Stage};
use crate::job::{Attempt, JobError, NoProgress, read_jsonl};
use crate::providers::chat::testing::Scripted;
use crate::providers::language::Manner;
use crate::providers::{Ask, CallFailed, ChatRequest, Offline, Partition, Scope};
use crate::seeds;

fn all_seeds() -> Vec<Question> {
    seeds::sample::questions().unwrap()
}

fn lexical() -> Lexical {
    Lexical::new(all_seeds().iter().map(|q| q.text.as_str()))
}

fn settings() -> Settings {
    Settings { provider: "scripted".into(), manner: Some(Manner::default()), ..Settings::default() }
}

fn folder(seeds: &[Question], settings: &Settings) -> (tempfile::TempDir, Attempt) {
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("input");
    std::fs::create_dir_all(&input).unwrap();
    let write = |name: &str, bytes: Vec<u8>| std::fs::write(input.join(name), bytes).unwrap();
    write("seeds.json", serde_json::to_vec(seeds).unwrap());
    write("all-seeds.json", serde_json::to_vec(&all_seeds()).unwrap());
    write("settings.json", serde_json::to_vec(settings).unwrap());
    let attempt = Attempt::create(dir.path(), 1).unwrap();
    (dir, attempt)
}

/// What a good model says: texts of the rules, dressed as a model dresses them.
struct GoodModel {
    texts: BTreeMap<String, Vec<String>>,
    given: BTreeMap<String, usize>,
}

impl GoodModel {
    fn new() -> Self {
        let offline = Offline::new().unwrap();
        let mut texts = BTreeMap::new();
        for q in all_seeds() {
            let ask = Ask { n: 0, rng_seed: 0, scope: Scope::of(Partition::Train) };
            let all = offline.all_paraphrases(&q, &ask);
            let all = all.iter().filter_map(|p| p.text()).map(str::to_owned).collect();
            texts.insert(q.text.clone(), all);
        }
        Self { texts, given: BTreeMap::new() }
    }

    fn say(&mut self, r: &ChatRequest) -> String {
        let user = &r.messages.last().unwrap().content;
        if user.contains("\"synonyms\"") {
            return "Sure!\n{\"words\": [{\"word\": \"always\", \"synonyms\": [\"x\"]}, \
                    {\"word\": \"parents\", \"synonyms\": [\"mother and father\"]}, \
                    {\"word\": \"proud\", \"synonyms\": [\"full of pride\"]}, \
                    {\"word\": \"life\", \"synonyms\": [\"time on earth\"]}]}"
                .into();
        }
        let seed = self.texts.keys().find(|t| user.contains(t.as_str())).unwrap().clone();
        let at = self.given.entry(seed.clone()).or_default();
        let mut lines = vec!["Here you go:".to_owned()];
        for i in 0..2 {
            lines.push(format!(
                "{}. \"{}\"",
                i + 1,
                self.texts[&seed][(*at + i) % self.texts[&seed].len()]
            ));
        }
        *at += 2;
        lines.join("\n")
    }
}

type Say = Box<dyn FnMut(&ChatRequest) -> Result<String, CallFailed> + Send>;

fn job(attempt: &Attempt, say: Say) -> Result<Summary, JobError> {
    let mut say = Some(say);
    let mut make = |_: &Settings| Ok(Proposer::Model(Box::new(Scripted(say.take().unwrap()))));
    work(attempt, &mut NoProgress, &mut make, &lexical())
}

fn results(attempt: &Attempt) -> Vec<Sample> {
    read_jsonl(&attempt.file("results.jsonl")).unwrap()
}

fn good() -> Say {
    let mut model = GoodModel::new();
    Box::new(move |r| Ok(model.say(r)))
}

#[test]
fn one_seed_goes_from_the_prompt_to_kept_samples_of_both_stages() {
    let seeds = &all_seeds()[..1];
    let (_dir, attempt) = folder(seeds, &settings());
    let asked: Arc<Mutex<Vec<ChatRequest>>> = Arc::default();
    let (mut model, log) = (GoodModel::new(), asked.clone());
    let say: Say = Box::new(move |r| {
        log.lock().unwrap().push(r.clone());
        Ok(model.say(r))
    });
    let summary = job(&attempt, say).unwrap();
    let samples = results(&attempt);
    assert_eq!(summary.proposed, samples.len() as u64);
    assert_eq!(summary.proposed, summary.kept + summary.rejected + summary.failed);
    let kept: Vec<&Sample> = samples.iter().filter(|s| s.decision == Decision::Kept).collect();
    assert!(kept.iter().filter(|s| s.stage == Stage::Template).count() >= 5, "{summary:#?}");
    let second = kept.iter().find(|s| s.stage == Stage::Synonym).expect("stage 2 made something");
    assert!(second.provenance.substitutions.len() >= 1);
    assert!(second.provenance.version.starts_with("synonyms-1-"));
    assert!(second.provenance.reply.is_some() && second.provenance.parent.is_some());
    let first = kept.iter().find(|s| s.stage == Stage::Template).unwrap();
    assert_eq!(first.provenance.provider, "scripted:test");
    assert!(first.provenance.version.starts_with("paraphrase-1-"));
    let family = first.provenance.family.clone().unwrap();
    assert_eq!(first.provenance.template.as_deref(), Some(format!("paraphrase/{family}").as_str()));

    // Six training families, one request each; then one request a parent.
    let asked = asked.lock().unwrap();
    let of = |what: &str| asked.iter().filter(|r| r.schema.as_ref().unwrap().name == what).count();
    assert_eq!((of("sentences"), of("synonyms")), (6, 5));
    let calls = summary.calls.unwrap();
    assert_eq!((calls.requests, calls.calls, calls.failed), (11, 11, 0));
}
