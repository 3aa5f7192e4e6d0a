//! Questions, cultures and counts together: which answer distribution a culture has, and where
//! there is none, why not.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    CountryCode, Culture, CultureId, Distribution, DomainError, OptionCounts, PaperMeans, Question,
    QuestionId, Scale,
};

/// Something about a cell that a reader must know before using it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "flag", rename_all = "kebab-case")]
pub enum CellFlag {
    /// Both end codes are empty while other countries use them: the questionnaire looks like a
    /// shorter form. The codes were not offered; they are not zeros.
    OptionNotOffered {
        /// The codes nobody could choose.
        codes: Vec<u8>,
    },
    /// Valid codes in the data that the scale does not list.
    OffScale {
        /// Those codes.
        codes: Vec<u8>,
    },
    /// One option's share lies far from the other countries' (Iraq Q128).
    Outlier {
        /// The option.
        code: u8,
        /// Its share here.
        share: f64,
        /// The median share of that option in the other countries.
        median_elsewhere: f64,
    },
}

/// The answers of one country to one question.
#[derive(Debug, Clone, PartialEq)]
pub struct CountryCell {
    /// Shares over all options of the scale.
    pub distribution: Distribution,
    /// Respondents with a valid answer on the scale.
    pub n: u64,
    /// Kish's effective n.
    pub effective_n: f64,
    /// Respondents without a valid answer.
    pub missing: u64,
    /// What a reader must know.
    pub flags: Vec<CellFlag>,
}

impl CountryCell {
    /// Codes that were not offered there; empty for a regular cell.
    pub fn not_offered(&self) -> &[u8] {
        self.flags
            .iter()
            .find_map(|f| match f {
                CellFlag::OptionNotOffered { codes } => Some(codes.as_slice()),
                _ => None,
            })
            .unwrap_or(&[])
    }
}

/// What the survey says of one country and question.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// People answered.
    Answered(CountryCell),
    /// The question was not asked in this country.
    NotAsked,
    /// It was asked, and nobody gave a valid answer.
    AllMissing {
        /// Respondents without a valid answer.
        missing: u64,
    },
    /// Nothing is known: the country's data was not imported, or has no such column.
    NoData,
}

/// The answers of a culture: the equal-weight mean of its countries that answered.
#[derive(Debug, Clone, PartialEq)]
pub struct CultureCell {
    /// Mean of the countries' shares.
    pub distribution: Distribution,
    /// Countries that the mean is over.
    pub countries: Vec<CountryCode>,
    /// Countries of the culture without an answer here.
    pub without: Vec<CountryCode>,
    /// Valid answers, all countries.
    pub n: u64,
    /// Sum of the countries' effective n.
    pub effective_n: f64,
    /// Flags of its countries.
    pub flags: Vec<(CountryCode, CellFlag)>,
}

impl CultureCell {
    /// True when an option was not offered in a country: never to be trained as zeros.
    pub fn has_option_not_offered(&self) -> bool {
        self.flags.iter().any(|(_, f)| matches!(f, CellFlag::OptionNotOffered { .. }))
    }
}

/// A survey: the questions in view, the cultures, and the counts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Survey {
    /// Seeds, in the order of the survey.
    pub questions: Vec<Question>,
    /// Cultures, in the order of the project.
    pub cultures: Vec<Culture>,
    /// Counts by country and question.
    pub counts: BTreeMap<(CountryCode, QuestionId), OptionCounts>,
    /// The release's means, where respondent rows were imported; for label policy `paper` only.
    pub paper_means: BTreeMap<(CountryCode, QuestionId), PaperMeans>,
}

#[derive(Serialize, Deserialize)]
struct CountRow {
    country: CountryCode,
    question: QuestionId,
    counts: OptionCounts,
}

#[derive(Serialize, Deserialize)]
struct MeansRow {
    country: CountryCode,
    question: QuestionId,
    means: PaperMeans,
}

#[derive(Serialize, Deserialize)]
struct RawSurvey {
    questions: Vec<Question>,
    cultures: Vec<Culture>,
    counts: Vec<CountRow>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    paper_means: Vec<MeansRow>,
}

impl Serialize for Survey {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        RawSurvey {
            questions: self.questions.clone(),
            cultures: self.cultures.clone(),
            counts: self
                .counts
                .iter()
                .map(|((country, question), counts)| CountRow {
                    country: country.clone(),
                    question: question.clone(),
                    counts: counts.clone(),
                })
                .collect(),
            paper_means: self
                .paper_means
                .iter()
                .map(|((country, question), means)| MeansRow {
                    country: country.clone(),
                    question: question.clone(),
                    means: *means,
                })
                .collect(),
        }
        .serialize(s)
    }
}

impl<'de> Deserialize<'de> for Survey {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let raw = RawSurvey::deserialize(d)?;
        Ok(Self {
            questions: raw.questions,
            cultures: raw.cultures,
            counts: raw.counts.into_iter().map(|r| ((r.country, r.question), r.counts)).collect(),
            paper_means: raw
                .paper_means
                .into_iter()
                .map(|r| ((r.country, r.question), r.means))
                .collect(),
        })
    }
}

/// Share of valid answers an end option must have elsewhere before its absence is a flag.
const END_USED_ELSEWHERE: f64 = 0.01;
/// A share this far from the median of the other countries is an outlier.
const OUTLIER_GAP: f64 = 0.5;

impl Survey {
    /// The question with this id.
    pub fn question(&self, id: &QuestionId) -> Option<&Question> {
        self.questions.iter().find(|q| &q.id == id)
    }

    /// The culture with this id.
    pub fn culture(&self, id: &CultureId) -> Option<&Culture> {
        self.cultures.iter().find(|c| &c.id == id)
    }

    /// Counts of one country and question, as imported.
    pub fn counts(&self, country: &CountryCode, question: &QuestionId) -> Option<&OptionCounts> {
        self.counts.get(&(country.clone(), question.clone()))
    }

    /// What one country answered to one question, flags included.
    pub fn cell(&self, country: &CountryCode, question: &Question) -> Cell {
        let Some(counts) = self.counts(country, &question.id) else {
            return Cell::NoData;
        };
        if counts.not_asked() {
            return Cell::NotAsked;
        }
        let Ok(distribution) = shares(counts, &question.scale) else {
            return Cell::AllMissing { missing: counts.missing_n() };
        };
        let n =
            question.scale.codes().iter().filter_map(|c| counts.valid.get(c)).map(|t| t.n).sum();
        let flags = self.flags(country, question, counts, &distribution);
        Cell::Answered(CountryCell {
            distribution,
            n,
            effective_n: counts.effective_n().unwrap_or(0.0),
            missing: counts.missing_n(),
            flags,
        })
    }

    fn flags(
        &self,
        country: &CountryCode,
        question: &Question,
        counts: &OptionCounts,
        here: &Distribution,
    ) -> Vec<CellFlag> {
        let scale = &question.scale;
        let mut flags = Vec::new();
        let off: Vec<u8> = counts
            .valid
            .iter()
            .filter(|(c, t)| t.n > 0 && !scale.has(**c))
            .map(|(c, _)| *c)
            .collect();
        if !off.is_empty() {
            flags.push(CellFlag::OffScale { codes: off });
        }
        let elsewhere: Vec<Distribution> = self
            .counts
            .iter()
            .filter(|((c, q), _)| q == &question.id && c != country)
            .filter_map(|(_, counts)| shares(counts, scale).ok())
            .collect();
        if elsewhere.is_empty() {
            return flags;
        }
        let (first, last) = (0, scale.len() - 1);
        let unused = |r: usize| here.shares()[r] == 0.0;
        let used_elsewhere =
            |r: usize| elsewhere.iter().any(|d| d.shares()[r] > END_USED_ELSEWHERE);
        if scale.len() > 3
            && unused(first)
            && unused(last)
            && used_elsewhere(first)
            && used_elsewhere(last)
        {
            let codes = (0..scale.len()).filter(|&r| unused(r)).map(|r| scale.codes()[r]).collect();
            flags.push(CellFlag::OptionNotOffered { codes });
        }
        if elsewhere.len() >= 3 {
            for (r, &share) in here.shares().iter().enumerate() {
                let mut other: Vec<f64> = elsewhere.iter().map(|d| d.shares()[r]).collect();
                other.sort_by(f64::total_cmp);
                let median = other[other.len() / 2];
                if (share - median).abs() > OUTLIER_GAP {
                    flags.push(CellFlag::Outlier {
                        code: scale.codes()[r],
                        share,
                        median_elsewhere: median,
                    });
                }
            }
        }
        flags
    }

    /// What a culture answered: the equal-weight mean over its countries that answered, or `None`
    /// where no country did. Countries with an option that was not offered are left out of the
    /// mean when another country has the full scale; when none has, the cell says so by its flag.
    pub fn culture_cell(&self, culture: &Culture, question: &Question) -> Option<CultureCell> {
        let mut answered = Vec::new();
        let mut without = Vec::new();
        for country in &culture.countries {
            match self.cell(country, question) {
                Cell::Answered(cell) => answered.push((country.clone(), cell)),
                _ => without.push(country.clone()),
            }
        }
        if answered.iter().any(|(_, c)| c.not_offered().is_empty()) {
            let (full, short): (Vec<_>, Vec<_>) =
                answered.into_iter().partition(|(_, c)| c.not_offered().is_empty());
            answered = full;
            without.extend(short.into_iter().map(|(c, _)| c));
        }
        let distribution =
            Distribution::mean(answered.iter().map(|(_, c)| &c.distribution)).ok()?;
        Some(CultureCell {
            distribution,
            n: answered.iter().map(|(_, c)| c.n).sum(),
            effective_n: answered.iter().map(|(_, c)| c.effective_n).sum(),
            flags: answered
                .iter()
                .flat_map(|(id, c)| c.flags.iter().map(|f| (id.clone(), f.clone())))
                .collect(),
            countries: answered.into_iter().map(|(id, _)| id).collect(),
            without,
        })
    }

    /// A culture's distribution that may be trained on or scored against: answered, with the full
    /// scale offered. The reason otherwise, in words.
    pub fn usable(&self, culture: &Culture, question: &Question) -> Result<CultureCell, String> {
        let Some(cell) = self.culture_cell(culture, question) else {
            let why = match culture.countries.iter().map(|c| self.cell(c, question)).next() {
                Some(Cell::NotAsked) => "not asked",
                Some(Cell::AllMissing { .. }) => "asked, and nobody gave a valid answer",
                _ => "no data imported",
            };
            return Err(format!("{} in {}: {why}", question.id, culture.place));
        };
        if cell.has_option_not_offered() {
            return Err(format!(
                "{} in {}: options at the ends of the scale were not offered",
                question.id, culture.place
            ));
        }
        Ok(cell)
    }
}

/// Weighted shares over the options of a scale; codes off the scale do not count.
fn shares(counts: &OptionCounts, scale: &Scale) -> Result<Distribution, DomainError> {
    let w: Vec<f64> =
        scale.codes().iter().map(|c| counts.valid.get(c).map_or(0.0, |t| t.w)).collect();
    Distribution::from_weights(&w)
}

#[cfg(test)]
mod tests {
    use super::super::*;
    use super::*;

    fn survey() -> (Survey, Question) {
        let options =
            (1..=5).map(|code| ScaleOption { code, label: format!("option {code}") }).collect();
        let q = Question {
            id: QuestionId::new("Q33").unwrap(),
            topic: Topic("social values".into()),
            language: "en".into(),
            text: "x".into(),
            form: Form::Statement,
            scale: Scale::new(options, ScaleKind::Ordinal, Direction::HigherIsLess).unwrap(),
            notes: vec![],
        };
        (Survey { questions: vec![q.clone()], ..Survey::default() }, q)
    }

    fn put(s: &mut Survey, country: &str, code: i64, n: u64) {
        let key = (CountryCode::new(country).unwrap(), QuestionId::new("Q33").unwrap());
        s.counts
            .entry(key)
            .or_insert_with(|| OptionCounts::new(Weighting::Unweighted))
            .add_many(AnswerCode::from_code(code).unwrap(), n);
    }

    fn culture(countries: &[&str]) -> Culture {
        Culture {
            id: CultureId::new("x").unwrap(),
            name: "X".into(),
            countries: countries.iter().map(|c| CountryCode::new(*c).unwrap()).collect(),
            place: "X".into(),
            language: "en".into(),
        }
    }

    #[test]
    fn a_question_never_asked_is_no_distribution() {
        let (mut s, q) = survey();
        put(&mut s, "CHN", -4, 3000);
        assert_eq!(s.cell(&CountryCode::new("CHN").unwrap(), &q), Cell::NotAsked);
        assert!(s.usable(&culture(&["CHN"]), &q).unwrap_err().contains("not asked"));
        assert!(s.usable(&culture(&["FRA"]), &q).unwrap_err().contains("no data"));
        put(&mut s, "GRC", -1, 10);
        assert_eq!(s.cell(&CountryCode::new("GRC").unwrap(), &q), Cell::AllMissing { missing: 10 });
    }

    #[test]
    fn empty_ends_that_others_use_were_not_offered() {
        let (mut s, q) = survey();
        for c in 1..=5 {
            put(&mut s, "DEU", c, 100);
        }
        for c in 2..=4 {
            put(&mut s, "ARG", c, 100);
        }
        let Cell::Answered(cell) = s.cell(&CountryCode::new("ARG").unwrap(), &q) else {
            panic!("answered")
        };
        assert_eq!(cell.not_offered(), &[1, 5]);
        assert!(s.usable(&culture(&["ARG"]), &q).is_err());
        // with a country that has the whole scale, that one alone speaks for the culture
        let both = s.usable(&culture(&["ARG", "DEU"]), &q).unwrap();
        assert_eq!(both.countries.len(), 1);
        assert_eq!(both.without.len(), 1);
        assert_eq!(both.distribution, Distribution::uniform(&q.scale));
    }

    #[test]
    fn a_survey_survives_json() {
        let (mut s, _) = survey();
        put(&mut s, "DEU", 1, 3);
        put(&mut s, "DEU", -2, 1);
        let json = serde_json::to_string(&s).unwrap();
        assert_eq!(serde_json::from_str::<Survey>(&json).unwrap(), s);
    }
}
