//! Tiny random models in folders, as others publish them, asked through the one door.

use std::path::Path;

use super::testing::write_folder;
use crate::domain::prompt::Prompt;
use crate::embedded::decoder::{Adapter, LoraSettings};
use crate::embedded::tokenizer::testing::Shape;
use crate::embedded::{Decoder, adapter};
use crate::providers::{
    ChatModel, ChatRequest, Finish, Message, ModelSource, ProviderError, ReplyPlaces, Sampling,
    ask_all, open,
};

/// A folder with a random model of a shape.
pub(super) fn folder(shape: Shape) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write_folder(dir.path(), shape);
    dir
}

fn source(dir: &Path) -> ModelSource {
    ModelSource::Folder { name: "m".into(), dir: dir.to_owned(), adapter: None }
}

pub(super) fn opened(
    dir: &Path,
    places: &ReplyPlaces,
) -> Result<Box<dyn ChatModel>, ProviderError> {
    open(&source(dir), places, 1)
}

fn asked(text: &str, temperature: f64, draw: u32) -> ChatRequest {
    let sampling = Sampling { temperature, ..Sampling::greedy(12) };
    ChatRequest { draw, ..ChatRequest::new(vec![Message::user(text)], sampling) }
}

#[test]
fn a_folder_answers_through_the_door_and_its_replies_are_found_again() {
    for shape in Shape::ALL {
        let dir = folder(shape);
        let kept = tempfile::tempdir().unwrap();
        let file = kept.path().join("replies.jsonl");
        let places =
            ReplyPlaces { write: Some(file.clone()), read: vec![file], ..ReplyPlaces::default() };
        let requests: Vec<ChatRequest> = (0..9)
            .map(|i| asked(["Do you agree?", "Why?", "Hello"][i % 3], 0.9, i as u32 / 3))
            .chain([ChatRequest::greedy("Be brief.", "Hello", 5)])
            .collect();
        let mut m = opened(dir.path(), &places).unwrap();
        assert_eq!(m.name(), "local:m");
        let (first, totals) = ask_all(m.as_mut(), &requests).unwrap();
        assert_eq!((totals.requests, totals.calls, totals.failed), (10, 10, 0));
        let first: Vec<_> = first.into_iter().map(Result::unwrap).collect();
        assert!(first.iter().all(|r| !r.stored && r.usage.prompt > 3 && r.usage.completion > 0));
        assert!(first.iter().all(|r| r.finish == Finish::Length || r.usage.completion <= 12));
        assert_ne!(first[0].text, first[3].text, "another draw");
        drop(m);
        // The same model in another place: nothing is computed again.
        let copy = tempfile::tempdir().unwrap();
        write_folder(copy.path(), shape);
        let mut m = opened(copy.path(), &places).unwrap();
        let (second, totals) = ask_all(m.as_mut(), &requests).unwrap();
        assert_eq!((totals.calls, totals.stored), (0, 10));
        for (a, b) in first.iter().zip(second) {
            let b = b.unwrap();
            assert!(b.stored);
            assert_eq!((&a.text, a.finish, &a.key), (&b.text, b.finish, &b.key));
        }
        // And without the store: the same replies, drawn again, alone.
        let mut m = opened(dir.path(), &ReplyPlaces::default()).unwrap();
        for (request, a) in requests.iter().zip(&first) {
            let (b, _) = ask_all(m.as_mut(), std::slice::from_ref(request)).unwrap();
            assert_eq!(b[0].as_ref().unwrap().text, a.text);
        }
    }
}

#[test]
fn a_prompt_longer_than_the_context_fails_alone() {
    let dir = folder(Shape::Headers);
    let mut m = opened(dir.path(), &ReplyPlaces::default()).unwrap();
    let long = "Do you agree? ".repeat(200);
    let requests = [asked("Hello", 0.0, 0), asked(&long, 0.0, 0), asked("Why?", 0.0, 0)];
    let (got, totals) = ask_all(m.as_mut(), &requests).unwrap();
    assert_eq!(totals.failed, 1);
    let e = got[1].as_ref().unwrap_err();
    assert_eq!(e.code, "too-long");
    assert!(e.detail.contains("160"), "{}", e.detail);
    assert!(got[0].is_ok() && got[2].is_ok());
}

#[test]
fn a_conversation_that_the_template_refuses_fails_alone() {
    let dir = folder(Shape::Inst);
    let mut m = opened(dir.path(), &ReplyPlaces::default()).unwrap();
    let twice = ChatRequest::new(vec![Message::user("a"), Message::user("b")], Sampling::greedy(3));
    let (got, _) = ask_all(m.as_mut(), &[twice, asked("Hello", 0.0, 0)]).unwrap();
    let e = got[0].as_ref().unwrap_err();
    assert_eq!(e.code, "refused");
    assert!(e.detail.contains("take turns"), "{}", e.detail);
    assert!(got[1].is_ok());
}

#[test]
fn a_folder_scores_complete_answers() {
    for shape in Shape::ALL {
        let dir = folder(shape);
        let mut m = opened(dir.path(), &ReplyPlaces::default()).unwrap();
        let prompt = |user: &str| Prompt {
            system: "You are from Greece.".into(),
            user: user.into(),
            answers: ["1", "2", "10"].map(str::to_owned).to_vec(),
        };
        let prompts = [prompt("Do you agree? 1. Yes 2. No"), prompt("Do you agree? 2. No 1. Yes")];
        let got = m.score(&prompts).unwrap().unwrap();
        assert!(got.iter().all(|s| s.log_probs.len() == 3 && s.listed_mass() < 1.0));
        assert_ne!(got[0], got[1]);
        let alone = m.score(&prompts[1..]).unwrap().unwrap();
        assert_eq!(alone[0], got[1]);
    }
}

#[test]
fn an_adapter_is_merged_and_makes_another_model_of_the_folder() {
    let (dir, adapter, merged) =
        (folder(Shape::Turns), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let base = Decoder::load(dir.path()).unwrap();
    let settings = LoraSettings::default();
    let mut delta = Adapter::new(base.config(), settings, 1).unwrap();
    delta.weights.iter_mut().zip(0..).for_each(|(w, i)| *w += (i as f32 * 0.7).sin() * 0.1);
    adapter::save(adapter.path(), &delta, None).unwrap();
    adapter::merge_folder(dir.path(), adapter.path(), &merged.path().join("m")).unwrap();
    let requests: Vec<ChatRequest> = ["Do you agree?", "Why?"].map(|t| asked(t, 0.0, 0)).to_vec();
    let texts = |source: &ModelSource| {
        let mut m = open(source, &ReplyPlaces::default(), 1).unwrap();
        let (got, _) = ask_all(m.as_mut(), &requests).unwrap();
        got.into_iter().map(|r| r.map(|r| (r.text, r.key)).unwrap()).collect::<Vec<_>>()
    };
    let with = ModelSource::Folder {
        name: "m".into(),
        dir: dir.path().to_owned(),
        adapter: Some(adapter.path().to_owned()),
    };
    let (alone, tuned) = (texts(&source(dir.path())), texts(&with));
    assert!(alone.iter().zip(&tuned).all(|(a, b)| a.1 != b.1), "other keys in the reply store");
    let same = texts(&source(&merged.path().join("m")));
    assert!(tuned.iter().zip(&same).all(|(a, b)| a.0 == b.0), "{tuned:?} {same:?}");
    assert!(alone.iter().zip(&tuned).any(|(a, b)| a.0 != b.0));
}
