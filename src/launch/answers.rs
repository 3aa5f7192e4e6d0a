//! Answers that models gave in a run of task `win-rate`, for people to judge.

use crate::domain::{RunId, StudyType};
use crate::evaluate::locked::{Locked, task_of};
use crate::evaluate::open_ended::{Said, Side, WinRatePlan, read_questions};
use crate::job::Attempt;
use crate::study::Answer;

use super::{LaunchError, Place};

/// The answers of a finished or running win rate: pairs for preference, one by one otherwise.
/// Questions that a model did not answer are left out, and for appropriateness those that are
/// about no culture.
///
/// # Errors
/// No such run, one of another task, or one without answers.
pub fn answers_of_run(
    place: &Place,
    run: &RunId,
    study_type: StudyType,
) -> Result<Vec<Answer>, LaunchError> {
    let dir = place.folder().runs().join(run.as_str());
    let mut number = 0;
    while dir.join(format!("attempt-{}", number + 1)).is_dir() {
        number += 1;
    }
    if number == 0 {
        return Err(LaunchError::Unknown(format!(
            "no run {run} in this workspace: `polyculture runs list` shows what there is"
        )));
    }
    let attempt = Attempt::open(dir.join(format!("attempt-{number}")))?;
    if task_of(&attempt).unwrap_or_default() != "win-rate" {
        return Err(LaunchError::Unknown(format!(
            "run {run} is no run of task win-rate: only there do two models answer in words"
        )));
    }
    let locked: Locked<WinRatePlan> = Locked::read(&attempt)?;
    let questions = read_questions(&attempt.input("questions.jsonl"))?;
    let said = Said::of(&attempt)?;
    let text = |id: &str, side| {
        let answer = said.answers.get(&(id.to_owned(), side))?;
        answer.text.clone().filter(|t| !t.trim().is_empty())
    };
    let mut out = Vec::new();
    for q in &questions {
        let (one, two) = (text(&q.id, Side::First), text(&q.id, Side::Second));
        let row = |model: &str, answer: String| Answer {
            question: q.question.clone(),
            seed: None,
            language: q.language.clone(),
            culture: q.culture.clone(),
            model_a: model.to_owned(),
            answer_a: answer,
            model_b: None,
            answer_b: None,
            sensitive: false,
        };
        let (first, second) = (&locked.plan.first.name, &locked.plan.second.name);
        if study_type == StudyType::Preference {
            if let (Some(one), Some(two)) = (one, two) {
                let pair = Answer {
                    model_b: Some(second.clone()),
                    answer_b: Some(two),
                    ..row(first, one)
                };
                out.push(pair);
            }
        } else if q.culture.is_some() {
            out.extend(one.map(|t| row(first, t)));
            out.extend(two.map(|t| row(second, t)));
        }
    }
    if out.is_empty() {
        return Err(LaunchError::Unknown(format!(
            "run {run} has no answers that a study of {study_type} could take"
        )));
    }
    Ok(out)
}
