//! `data OUT BATCH STEPS VOCAB`: the first steps of a survey fine-tune as token ids, one batch a
//! line: the sample seeds, each for the ten cultures that answered it, in the prompt variants of the
//! `lora` recipe and in the order of its training; one answer a prompt, its first token supervised.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

use polyculture::domain::{Example, Target};
use polyculture::embedded::tokenizer;
use polyculture::finetune::{DataOrder, PromptChoice, TargetKind, TrainingSet};
use polyculture::seeds;
use serde_json::json;

/// See above.
pub(crate) fn run(
    out: &Path,
    batch: usize,
    steps: u64,
    vocab: usize,
) -> Result<(), Box<dyn Error>> {
    let survey = seeds::sample::survey()?;
    let mut rows = Vec::new();
    for (q, question) in survey.questions.iter().enumerate() {
        for (c, culture) in survey.cultures.iter().take(10).enumerate() {
            let codes = question.scale.codes();
            rows.push(Example {
                culture: Some(culture.id.clone()),
                question: question.id.clone(),
                text: question.text.clone(),
                text_id: question.id.to_string(),
                family: "seed".into(),
                target: Target::Hard(codes[(q + c) % codes.len()]),
                effective_n: 1.0,
            });
        }
    }
    let prompts = PromptChoice::default();
    let set = TrainingSet::new(&rows, &survey, &prompts, TargetKind::Hard)?;
    let letters = ["0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
    let tokenizer = tokenizer::train(&set.texts(), &letters, vocab, false)?;
    let mut reader = tokenizer.reader();
    let mut order = DataOrder::new(&set, 1, batch);
    let mut text = String::new();
    for step in 0..steps {
        let items: Vec<_> = order
            .step(step, &mut reader)?
            .into_iter()
            .map(|t| json!({"prompt": t.prompt, "answers": [(&t.answers[0].0[..1], 1.0)]}))
            .collect();
        writeln!(text, "{}", json!(items))?;
    }
    std::fs::write(out, text)?;
    Ok(())
}
