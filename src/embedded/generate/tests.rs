//! The generator against the training forward pass, and against itself in other company.

use std::ops::ControlFlow;

use super::*;
use crate::embedded::decoder::{Decoder, Pack, Workspace, log_probs};
use crate::embedded::{ChatTokenizer, DecoderConfig, EmbeddedError, tokenizer};

fn tokenizer() -> ChatTokenizer {
    let text = "Do you agree? 1 2 3 How would people in Greece answer? one two three four five";
    tokenizer::train(&[text.to_owned()], &["0123456789"], 70, true).unwrap()
}

fn model(vocab: usize) -> Decoder {
    let mut c = DecoderConfig::llama(vocab, 32, 48, 3, 4, 2).unwrap();
    c.max_position_embeddings = 96;
    Decoder::random(c, 0.4, 5).unwrap()
}

fn greedy(max_tokens: usize) -> Draw {
    Draw { temperature: 0.0, top_p: 1.0, max_tokens, stop: vec![], seed: 0 }
}

fn sampled(seed: u64) -> Draw {
    Draw { temperature: 1.0, top_p: 0.9, max_tokens: 20, stop: vec![], seed }
}

fn run(settings: GenerateSettings, asks: &[Ask]) -> (Vec<Result<Written, Unanswered>>, Generator) {
    let t = tokenizer();
    let mut g = Generator::new(model(t.vocab_size()), t, settings).unwrap();
    let out = again(&mut g, asks);
    (out, g)
}

fn again(g: &mut Generator, asks: &[Ask]) -> Vec<Result<Written, Unanswered>> {
    let mut out = vec![None; asks.len()];
    let mut it = asks.iter().cloned().enumerate();
    g.run::<EmbeddedError>(&mut || Ok(it.next().map(|(i, a)| (i as u64, a))), &mut |i, r| {
        out[i as usize] = Some(r);
        Ok(ControlFlow::Continue(()))
    })
    .unwrap();
    out.into_iter().map(Option::unwrap).collect()
}

fn prompts() -> Vec<Vec<u32>> {
    let t = tokenizer();
    [
        "Do you agree?",
        "Do you agree? 1",
        "Do you",
        "people in Greece",
        "one two three",
        "Do you agree?",
    ]
    .iter()
    .map(|p| {
        let turn = tokenizer::Turn { role: tokenizer::Speaker::User, content: p };
        t.chat(&[turn]).unwrap()
    })
    .collect()
}

#[test]
fn greedy_replies_are_the_likeliest_tokens_of_the_training_pass() {
    let t = tokenizer();
    let m = model(t.vocab_size());
    let asks: Vec<Ask> =
        prompts().into_iter().map(|prompt| Ask { prompt, draw: greedy(12) }).collect();
    let (got, _) = run(GenerateSettings { lanes: 3, ..GenerateSettings::default() }, &asks);
    let mut ws = Workspace::new();
    for (ask, got) in asks.iter().zip(got) {
        let got = got.unwrap();
        let mut ids = ask.prompt.clone();
        let mut drawn = Vec::new();
        for _ in 0..12 {
            let (pack, rows) = Pack::from_sequences(&[&ids]);
            let row = *rows[0].last().unwrap();
            let pairs: Vec<(u32, u32)> = (0..t.vocab_size() as u32).map(|i| (row, i)).collect();
            let lp = log_probs(&m, &pack, &pairs, &mut ws).unwrap();
            let best = (0..lp.len()).max_by(|a, b| lp[*a].total_cmp(&lp[*b])).unwrap() as u32;
            drawn.push(best);
            ids.push(best);
            if t.ends().contains(&best) {
                break;
            }
        }
        let ended = t.ends().contains(drawn.last().unwrap());
        let text = t.decode(&drawn[..drawn.len() - usize::from(ended)]).unwrap();
        assert_eq!((got.text, got.ended, got.tokens.len()), (text, ended, drawn.len()));
    }
}

#[test]
fn a_reply_is_the_same_alone_and_in_any_company() {
    let prompts = prompts();
    let asks: Vec<Ask> = (0..24)
        .map(|i| Ask { prompt: prompts[i % 6].clone(), draw: sampled(i as u64 % 5) })
        .collect();
    let few = GenerateSettings { lanes: 1, ..GenerateSettings::default() };
    let many = GenerateSettings { lanes: 7, threads: 2, ..GenerateSettings::default() };
    let nothing_kept = GenerateSettings { lanes: 24, memory: 0, ..GenerateSettings::default() };
    let (alone, _) = run(few, &asks);
    assert_eq!(alone, run(many, &asks).0);
    assert_eq!(alone, run(nothing_kept, &asks).0);
    assert_ne!(alone[0], alone[6], "other seeds, other replies");
}

#[test]
fn a_beginning_is_computed_once() {
    let asks: Vec<Ask> =
        prompts().into_iter().map(|prompt| Ask { prompt, draw: greedy(2) }).collect();
    let mut seen = std::collections::HashSet::new();
    for a in &asks {
        seen.extend((1..=a.prompt.len()).map(|n| a.prompt[..n].to_vec()));
    }
    let (_, mut g) = run(GenerateSettings::default(), &asks);
    assert_eq!(g.computed(), seen.len() as u64);
    again(&mut g, &asks);
    let last_rows: std::collections::HashSet<_> = asks.iter().map(|a| &a.prompt).collect();
    assert_eq!(g.computed(), (seen.len() + last_rows.len()) as u64, "only the last rows again");
}

#[test]
fn too_long_and_unknown_prompts_are_named_and_the_others_go_on() {
    let good = Ask { prompt: prompts()[0].clone(), draw: greedy(3) };
    let long = Ask { prompt: vec![8; 96], draw: greedy(3) };
    let odd = Ask { prompt: vec![2, 4000], draw: greedy(3) };
    let none = Ask { prompt: vec![], draw: greedy(3) };
    let (got, _) = run(GenerateSettings::default(), &[long, good.clone(), odd, none]);
    assert_eq!(got[0], Err(Unanswered::TooLong { tokens: 96, limit: 96 }));
    assert!(got[1].is_ok());
    assert!(got[2].as_ref().unwrap_err().to_string().contains("4000"));
    assert!(got[3].is_err());
    // The context ends before max_tokens do.
    let nearly = Ask { prompt: vec![8; 90], draw: Draw { max_tokens: 50, ..greedy(50) } };
    let (got, _) = run(GenerateSettings::default(), &[nearly]);
    let w = got[0].as_ref().unwrap();
    assert!(w.ended || w.tokens.len() == 6, "{w:?}");
    let zero = Ask { draw: greedy(0), ..good };
    let (got, _) = run(GenerateSettings::default(), &[zero]);
    assert_eq!(got[0].as_ref().unwrap().tokens.len(), 0);
}

#[test]
fn a_stop_text_ends_a_reply_before_it() {
    let asks: Vec<Ask> =
        prompts().into_iter().map(|prompt| Ask { prompt, draw: greedy(20) }).collect();
    let (free, _) = run(GenerateSettings::default(), &asks);
    let longest = (0..6).max_by_key(|i| free[*i].as_ref().unwrap().text.len()).unwrap();
    let text = &free[longest].as_ref().unwrap().text;
    let words: Vec<&str> = text.split(' ').collect();
    let stop = words[words.len() / 2].to_owned();
    let at = text.find(&stop).unwrap();
    let mut ask = asks[longest].clone();
    ask.draw.stop = vec!["not there".into(), stop];
    let (got, _) = run(GenerateSettings::default(), &[ask]);
    let w = got[0].as_ref().unwrap();
    assert_eq!((w.text.as_str(), w.ended), (&text[..at], true));
    assert!(w.tokens.len() < free[longest].as_ref().unwrap().tokens.len());
}

#[test]
fn broken_weights_are_said_and_a_caller_can_stop() {
    let t = tokenizer();
    let mut m = model(t.vocab_size());
    let at = m.layout().regions[2].start;
    m.weights[at] = f32::NAN;
    let mut g = Generator::new(m, t, GenerateSettings::default()).unwrap();
    let ask = Ask { prompt: prompts()[0].clone(), draw: greedy(3) };
    let mut once = Some((0, ask.clone()));
    let e = g
        .run::<EmbeddedError>(&mut || Ok(once.take()), &mut |_, _| Ok(ControlFlow::Continue(())))
        .unwrap_err();
    assert!(e.to_string().contains("broken"), "{e}");

    let t = tokenizer();
    let m = model(t.vocab_size());
    let mut g = Generator::new(m, t, GenerateSettings::default()).unwrap();
    let (mut given, mut heard) = (0, 0);
    let next = &mut || {
        given += 1;
        Ok(Some((given, ask.clone())))
    };
    g.run::<EmbeddedError>(next, &mut |_, _| {
        heard += 1;
        Ok(ControlFlow::Break(()))
    })
    .unwrap();
    assert_eq!(heard, 1);
}

#[derive(serde::Deserialize)]
struct Golden {
    prompts: Vec<Vec<u32>>,
    cases: Vec<Case>,
}

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    config: serde_json::Value,
    replies: Vec<Vec<u32>>,
}

/// The figures of `tests/golden/generate.py`; weights are worked out from a formula.
#[test]
fn each_family_writes_what_transformers_writes() {
    let golden: Golden =
        serde_json::from_str(include_str!("../../../tests/golden/generate.json")).unwrap();
    let t = tokenizer();
    assert_eq!(t.ends(), [3], "the script ends at token 3");
    for case in golden.cases {
        let path = std::path::Path::new("config.json");
        let config = DecoderConfig::parse(&case.config.to_string(), path).unwrap();
        let mut m = Decoder::random(config, 0.1, 1).unwrap();
        for r in m.layout().regions.clone() {
            let norm = if r.name.ends_with("norm.weight") { 1.0 } else { 0.0 };
            let formula = crate::embedded::decoder::golden_tests::weights(&r.name, r.len(), 0.25);
            m.weights[r.range()].iter_mut().zip(formula).for_each(|(w, x)| *w = norm + x);
        }
        let asks: Vec<Ask> =
            golden.prompts.iter().map(|p| Ask { prompt: p.clone(), draw: greedy(30) }).collect();
        let settings = GenerateSettings { lanes: 4, threads: 2, ..GenerateSettings::default() };
        let mut g = Generator::new(m, t.clone(), settings).unwrap();
        for (got, want) in again(&mut g, &asks).into_iter().zip(&case.replies) {
            assert_eq!(got.unwrap().tokens, *want, "{}", case.name);
        }
    }
}
