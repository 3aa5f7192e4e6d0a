//! Synthetic surveys in the official format, for tests and benches: as many respondents and
//! countries as asked for, the official column names, weights, missing codes, questions that some
//! countries were not asked. Nobody's answers stand in them.

use std::io::{self, Write};

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::table::{Delimiter, UTF8_BOM};

use super::SeedsError;
use super::countries::WAVE_7;

/// Columns of the official file before the questions, by the wave 7 codebook.
const META: [&str; 36] = [
    "version",
    "doi",
    "A_WAVE",
    "A_YEAR",
    "A_STUDY",
    "B_COUNTRY",
    "B_COUNTRY_ALPHA",
    "C_COW_NUM",
    "C_COW_ALPHA",
    "D_INTERVIEW",
    "S007",
    "J_INTDATE",
    "FW_START",
    "FW_END",
    "K_TIME_START",
    "K_TIME_END",
    "K_DURATION",
    "Q_MODE",
    "N_REGION_ISO",
    "N_REGION_WVS",
    "N_TOWN",
    "G_TOWNSIZE",
    "G_TOWNSIZE2",
    "H_SETTLEMENT",
    "H_URBRURAL",
    "I_PSU",
    "O1_LONGITUDE",
    "O2_LATITUDE",
    "L_INTERVIEWER_NUMBER",
    "S_INTLANGUAGE",
    "LNGE_ISO",
    "E_RESPINT",
    "F_INTPRIVACY",
    "W_WEIGHT",
    "S018",
    "PWGHT",
];
/// Questions of wave 7.
const QUESTIONS: usize = 290;

/// What to make up.
#[derive(Debug, Clone)]
pub struct SyntheticSurvey {
    /// People, shared out evenly among the countries.
    pub respondents: u64,
    /// Countries: 1 to 66, in the order of [`WAVE_7`].
    pub countries: usize,
    /// Everything random follows from it.
    pub seed: u64,
    /// Columns in all; at least those of the official file that are made up here (326).
    pub columns: usize,
    /// Between the columns.
    pub delimiter: Delimiter,
    /// Write the UTF-8 mark first, as the official file does.
    pub mark: bool,
    /// End lines with CRLF.
    pub crlf: bool,
    /// Put texts in quotes, as the official file does.
    pub quotes: bool,
    /// Write answers as `1.00`.
    pub decimals: bool,
    /// People of all countries in turn, not country by country.
    pub interleaved: bool,
}

impl Default for SyntheticSurvey {
    /// The size of the official file of wave 7 (v6): 97,220 people, 66 countries, 377 columns.
    fn default() -> Self {
        Self {
            respondents: 97_220,
            countries: WAVE_7.len(),
            seed: 0,
            columns: 377,
            delimiter: Delimiter::Comma,
            mark: true,
            crlf: false,
            quotes: false,
            decimals: false,
            interleaved: false,
        }
    }
}

/// First and last code of a question's made-up scale: those of the seeds, 1 to 4 for all others.
pub fn codes_of(question: usize) -> (u8, u8) {
    match question {
        33..=41 => (1, 5),
        122..=129 => (0, 2),
        158..=162 => (1, 10),
        _ => (1, 4),
    }
}

/// The answers of a country to a question: 256 of them, one of which is drawn each time.
type Answers = [i8; 256];

impl SyntheticSurvey {
    fn check(&self) -> Result<(), SeedsError> {
        let refuse = |what: String| Err(SeedsError::Synth(what));
        if !(1..=WAVE_7.len()).contains(&self.countries) {
            return refuse(format!("{} countries: expected 1 to {}", self.countries, WAVE_7.len()));
        }
        if self.columns < META.len() + QUESTIONS {
            let least = META.len() + QUESTIONS;
            return refuse(format!("{} columns: expected at least {least}", self.columns));
        }
        Ok(())
    }

    /// Writes the survey, header first. Memory does not grow with the number of respondents.
    ///
    /// # Errors
    /// A number of countries or columns that cannot be, or what `out` answers.
    pub fn write(&self, out: &mut impl Write) -> Result<(), SeedsError> {
        self.check()?;
        let io = |e: io::Error| SeedsError::Synth(format!("writing failed: {e}"));
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        let answers: Vec<Vec<Answers>> = (0..self.countries)
            .map(|_| (1..=QUESTIONS).map(|q| made_up_answers(&mut rng, q)).collect())
            .collect();
        let mut line = Vec::with_capacity(4096);
        if self.mark {
            out.write_all(UTF8_BOM).map_err(io)?;
        }
        self.header(&mut line);
        out.write_all(&line).map_err(io)?;
        for n in 0..self.respondents {
            let country = if self.interleaved {
                (n % self.countries as u64) as usize
            } else {
                (u128::from(n) * self.countries as u128 / u128::from(self.respondents)) as usize
            };
            line.clear();
            self.respondent(&mut line, n, country, &answers[country], &mut rng);
            out.write_all(&line).map_err(io)?;
        }
        out.flush().map_err(io)
    }

    fn end_line(&self, line: &mut Vec<u8>) {
        line.pop();
        line.extend_from_slice(if self.crlf { b"\r\n" } else { b"\n" });
    }

    fn text(&self, line: &mut Vec<u8>, text: &str) {
        let quote: &[u8] = if self.quotes { b"\"" } else { b"" };
        line.extend_from_slice(quote);
        line.extend_from_slice(text.as_bytes());
        line.extend_from_slice(quote);
        line.push(self.delimiter.byte());
    }

    fn number(&self, line: &mut Vec<u8>, number: u64) {
        let mut digits = [0u8; 20];
        let mut at = digits.len();
        let mut rest = number;
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        line.extend_from_slice(&digits[at..]);
        line.push(self.delimiter.byte());
    }

    /// A number with eight decimals, given in units of the last.
    fn decimal(&self, line: &mut Vec<u8>, units: u64) {
        const ONE: u64 = 100_000_000;
        self.number(line, units / ONE);
        line.pop();
        line.push(b'.');
        self.number(line, ONE + units % ONE);
        // the leading 1 only kept the zeros
        let mark = line.iter().rposition(|&b| b == b'.').unwrap_or(0);
        line.remove(mark + 1);
    }

    fn header(&self, line: &mut Vec<u8>) {
        for name in META {
            self.text(line, name);
        }
        for q in 1..=QUESTIONS {
            self.text(line, &format!("Q{q}"));
        }
        for n in META.len() + QUESTIONS..self.columns {
            self.text(line, &format!("Y{n:03}"));
        }
        self.end_line(line);
    }

    fn respondent(
        &self,
        line: &mut Vec<u8>,
        n: u64,
        country: usize,
        answers: &[Answers],
        rng: &mut Xoshiro256PlusPlus,
    ) {
        let c = &WAVE_7[country];
        let bits = rng.next_u64();
        // Sum of four dice: a weight around 1, never 0.
        let dice = (0..4).map(|i| (bits >> (16 * i)) & 0xFFFF).sum::<u64>();
        let weight = dice * 763 + 1_000_003;
        let equal = 100_000_000_000 * self.countries as u64 / self.respondents.max(1);
        for name in META {
            match name {
                "version" => self.text(line, "synthetic"),
                "doi" => self.text(line, "none"),
                "A_WAVE" => self.number(line, 7),
                "A_YEAR" => self.number(line, 2017 + n % 6),
                "B_COUNTRY" => self.number(line, c.number.into()),
                "B_COUNTRY_ALPHA" | "C_COW_ALPHA" => self.text(line, c.alpha),
                "D_INTERVIEW" => self.number(line, u64::from(c.number) * 1_000_000 + n),
                "LNGE_ISO" => self.text(line, c.language),
                "W_WEIGHT" => self.decimal(line, weight),
                "S018" | "PWGHT" => self.decimal(line, equal),
                _ => self.number(line, (bits >> (name.len() % 40)) % 1000),
            }
        }
        let mut bytes = [0u8; 8];
        for (q, choices) in answers.iter().enumerate() {
            if q % 8 == 0 {
                bytes = rng.next_u64().to_le_bytes();
            }
            let code = choices[usize::from(bytes[q % 8])];
            if code < 0 {
                line.push(b'-');
            }
            self.number(line, code.unsigned_abs().into());
            if self.decimals {
                line.pop();
                line.extend_from_slice(b".00");
                line.push(self.delimiter.byte());
            }
        }
        for i in META.len() + QUESTIONS..self.columns {
            let noise = bits.rotate_left((i % 64) as u32);
            if i % 3 == 0 {
                self.decimal(line, noise % 300_000_000);
            } else {
                self.number(line, noise % 10_000);
            }
        }
        self.end_line(line);
    }
}

/// Random shares for the codes of a question; some countries were not asked at all.
fn made_up_answers(rng: &mut Xoshiro256PlusPlus, question: usize) -> Answers {
    if rng.next_u64().is_multiple_of(25) {
        return [-4; 256];
    }
    let (first, last) = codes_of(question);
    let weights: Vec<u64> = (first..=last).map(|_| 20 + rng.next_u64() % 100).collect();
    let all: u64 = weights.iter().sum();
    let mut answers: Answers = [0; 256];
    for (i, answer) in answers.iter_mut().enumerate() {
        *answer = match i {
            0..8 => -1,
            8..12 => -2,
            12 => -3,
            13 => -5,
            _ => {
                let mut point = (i as u64 - 14) * all / 242;
                let mut code = first;
                for w in &weights {
                    if point < *w || code == last {
                        break;
                    }
                    point -= w;
                    code += 1;
                }
                code.cast_signed()
            }
        };
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(survey: &SyntheticSurvey) -> Vec<u8> {
        let mut out = Vec::new();
        survey.write(&mut out).unwrap();
        out
    }

    #[test]
    fn what_cannot_be_made_up_is_refused() {
        for bad in [
            SyntheticSurvey { countries: 0, ..Default::default() },
            SyntheticSurvey { countries: 67, ..Default::default() },
            SyntheticSurvey { columns: 300, ..Default::default() },
        ] {
            assert!(bad.write(&mut Vec::new()).is_err());
        }
    }

    #[test]
    fn the_seed_decides_every_byte_and_the_shape_is_the_official_one() {
        let survey = SyntheticSurvey { respondents: 132, seed: 7, ..Default::default() };
        let bytes = text(&survey);
        assert_eq!(bytes, text(&survey));
        assert_ne!(bytes, text(&SyntheticSurvey { seed: 8, ..survey }));
        let lines: Vec<&[u8]> = bytes.split(|b| *b == b'\n').collect();
        assert_eq!(lines.len(), 134);
        for line in &lines[..133] {
            assert_eq!(memchr::memchr_iter(b',', line).count(), 376);
        }
        assert!(lines[0].starts_with(b"\xEF\xBB\xBFversion,doi,A_WAVE"));
    }
}
