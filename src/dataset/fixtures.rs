//! The sample counts as a survey, for the tests of this room and of `evaluate`.
//!
//! Wording is a placeholder: scales and counts are what these tests are about.

use crate::domain::{
    AnswerCode, CountryCode, Culture, CultureId, Direction, Form, OptionCounts, Question,
    QuestionId, Scale, ScaleKind, ScaleOption, Survey, Topic, Weighting,
};

const COUNTS: &str = include_str!("../../sample_data/option_counts.csv");

const CULTURES: [(&str, &[&str]); 10] = [
    ("arabic", &["IRQ", "JOR"]),
    ("bengali", &["BGD"]),
    ("chinese", &["CHN"]),
    ("english", &["USA"]),
    ("german", &["DEU"]),
    ("korean", &["KOR"]),
    ("portuguese", &["BRA"]),
    ("spanish", &["ARG", "MEX"]),
    ("turkish", &["TUR"]),
    ("greek", &["GRC"]),
];

pub(crate) fn scale(codes: &[u8]) -> Scale {
    labelled("option", codes)
}

fn labelled(set: &str, codes: &[u8]) -> Scale {
    let options =
        codes.iter().map(|&code| ScaleOption { code, label: format!("{set} {code}") }).collect();
    Scale::new(options, ScaleKind::Ordinal, Direction::HigherIsLess).unwrap()
}

pub(crate) fn nominal(codes: &[u8]) -> Scale {
    let options =
        codes.iter().map(|&code| ScaleOption { code, label: format!("name {code}") }).collect();
    Scale::new(options, ScaleKind::Nominal, Direction::None).unwrap()
}

/// Topic, options and form by the survey's own numbers (science: "50 questions").
fn shape(number: u16) -> (&'static str, Scale) {
    match number {
        27..=32 => ("social values", labelled("agree", &[1, 2, 3, 4])),
        33..=41 => ("social values", labelled("agree or not", &[1, 2, 3, 4, 5])),
        122..=129 => ("migration", labelled("effect", &[2, 1, 0]).with_middle(1).unwrap()),
        132..=138 => ("security", labelled("frequently", &[1, 2, 3, 4])),
        158..=162 => (
            "science",
            labelled("completely", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]).with_end_labels_only(),
        ),
        169..=170 => ("religion", labelled("agree", &[1, 2, 3, 4])),
        196..=198 => ("ethics", labelled("right", &[1, 2, 3, 4])),
        _ => ("politics", labelled("often", &[1, 2, 3, 4])),
    }
}

/// All countries of the sample counts, unweighted, with the paper's nine cultures and Greek.
pub(crate) fn survey() -> Survey {
    let mut survey = Survey::default();
    for line in COUNTS.lines().skip(1) {
        let f: Vec<&str> = line.split(',').collect();
        let (country, question) = (CountryCode::new(f[0]).unwrap(), QuestionId::new(f[2]).unwrap());
        if survey.question(&question).is_none() {
            let number: u16 = f[2][1..].parse().unwrap();
            let (topic, scale) = shape(number);
            survey.questions.push(Question {
                id: question.clone(),
                topic: Topic(topic.into()),
                language: "en".into(),
                text: format!("Statement number {number} about {topic}"),
                form: Form::Statement,
                scale,
                notes: vec![],
            });
        }
        survey
            .counts
            .entry((country, question))
            .or_insert_with(|| OptionCounts::new(Weighting::Unweighted))
            .add_many(
                AnswerCode::from_code(f[3].parse().unwrap()).unwrap(),
                f[4].trim().parse().unwrap(),
            );
    }
    survey.questions.sort_by_key(|q| q.id.as_str()[1..].parse::<u16>().unwrap());
    survey.cultures = CULTURES
        .iter()
        .map(|(id, countries)| Culture {
            id: CultureId::new(*id).unwrap(),
            name: format!("The {id}"),
            countries: countries.iter().map(|c| CountryCode::new(*c).unwrap()).collect(),
            place: format!("the land of {id}"),
            language: "en".into(),
        })
        .collect();
    survey
}

pub(crate) fn culture<'a>(survey: &'a Survey, id: &str) -> &'a Culture {
    survey.culture(&CultureId::new(id).unwrap()).unwrap()
}

pub(crate) fn question<'a>(survey: &'a Survey, id: &str) -> &'a Question {
    survey.question(&QuestionId::new(id).unwrap()).unwrap()
}
