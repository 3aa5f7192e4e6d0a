//! The countries and territories of the survey's wave 7, for names, for files without letters, and
//! so that any of them can stand as a culture of its own.
//!
//! Codes: ISO 3166-1, except Northern Ireland, which the survey codes 909 / NIR (wave 7 codebook,
//! `B_COUNTRY` and `B_COUNTRY_ALPHA`). The language is the one most interviews were held in.

use crate::domain::{CountryCode, Culture, CultureId};

/// A country of the survey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Country {
    /// `IRQ`
    pub alpha: &'static str,
    /// 368
    pub number: u16,
    /// `Iraq`
    pub name: &'static str,
    /// BCP 47 tag.
    pub language: &'static str,
}

const fn c(
    alpha: &'static str,
    number: u16,
    name: &'static str,
    language: &'static str,
) -> Country {
    Country { alpha, number, name, language }
}

/// All of wave 7, by name.
pub const WAVE_7: [Country; 66] = [
    c("AND", 20, "Andorra", "ca"),
    c("ARG", 32, "Argentina", "es"),
    c("ARM", 51, "Armenia", "hy"),
    c("AUS", 36, "Australia", "en"),
    c("BGD", 50, "Bangladesh", "bn"),
    c("BOL", 68, "Bolivia", "es"),
    c("BRA", 76, "Brazil", "pt"),
    c("CAN", 124, "Canada", "en"),
    c("CHL", 152, "Chile", "es"),
    c("CHN", 156, "China", "zh"),
    c("COL", 170, "Colombia", "es"),
    c("CYP", 196, "Cyprus", "el"),
    c("CZE", 203, "Czechia", "cs"),
    c("ECU", 218, "Ecuador", "es"),
    c("EGY", 818, "Egypt", "ar"),
    c("ETH", 231, "Ethiopia", "am"),
    c("DEU", 276, "Germany", "de"),
    c("GBR", 826, "Great Britain", "en"),
    c("GRC", 300, "Greece", "el"),
    c("GTM", 320, "Guatemala", "es"),
    c("HKG", 344, "Hong Kong", "zh"),
    c("IND", 356, "India", "hi"),
    c("IDN", 360, "Indonesia", "id"),
    c("IRN", 364, "Iran", "fa"),
    c("IRQ", 368, "Iraq", "ar"),
    c("JPN", 392, "Japan", "ja"),
    c("JOR", 400, "Jordan", "ar"),
    c("KAZ", 398, "Kazakhstan", "kk"),
    c("KEN", 404, "Kenya", "sw"),
    c("KGZ", 417, "Kyrgyzstan", "ky"),
    c("LBN", 422, "Lebanon", "ar"),
    c("LBY", 434, "Libya", "ar"),
    c("MAC", 446, "Macau", "zh"),
    c("MYS", 458, "Malaysia", "ms"),
    c("MDV", 462, "Maldives", "dv"),
    c("MEX", 484, "Mexico", "es"),
    c("MNG", 496, "Mongolia", "mn"),
    c("MAR", 504, "Morocco", "ar"),
    c("MMR", 104, "Myanmar", "my"),
    c("NLD", 528, "Netherlands", "nl"),
    c("NZL", 554, "New Zealand", "en"),
    c("NIC", 558, "Nicaragua", "es"),
    c("NGA", 566, "Nigeria", "en"),
    c("NIR", 909, "Northern Ireland", "en"),
    c("PAK", 586, "Pakistan", "ur"),
    c("PER", 604, "Peru", "es"),
    c("PHL", 608, "Philippines", "fil"),
    c("PRI", 630, "Puerto Rico", "es"),
    c("ROU", 642, "Romania", "ro"),
    c("RUS", 643, "Russia", "ru"),
    c("SRB", 688, "Serbia", "sr"),
    c("SGP", 702, "Singapore", "en"),
    c("SVK", 703, "Slovakia", "sk"),
    c("KOR", 410, "South Korea", "ko"),
    c("TWN", 158, "Taiwan", "zh"),
    c("TJK", 762, "Tajikistan", "tg"),
    c("THA", 764, "Thailand", "th"),
    c("TUN", 788, "Tunisia", "ar"),
    c("TUR", 792, "Turkey", "tr"),
    c("UKR", 804, "Ukraine", "uk"),
    c("USA", 840, "United States", "en"),
    c("URY", 858, "Uruguay", "es"),
    c("UZB", 860, "Uzbekistan", "uz"),
    c("VEN", 862, "Venezuela", "es"),
    c("VNM", 704, "Vietnam", "vi"),
    c("ZWE", 716, "Zimbabwe", "en"),
];

/// The country with this code.
pub fn country(code: &CountryCode) -> Option<&'static Country> {
    WAVE_7.iter().find(|c| c.alpha == code.as_str())
}

/// The letters for a country's number as it stands in a file: `368`, `368.00`.
pub(super) fn alpha_of_number(text: &[u8]) -> Option<[u8; 3]> {
    let text = std::str::from_utf8(text).ok()?;
    let whole = text.split(['.', ',']).next()?;
    let number: u16 = whole.parse().ok()?;
    let found = WAVE_7.iter().find(|c| c.number == number)?;
    found.alpha.as_bytes().try_into().ok()
}

/// A country as a culture of its own, for countries outside the sample's cultures. A country that
/// the survey did not visit is named by its letters.
pub fn culture_of(code: &CountryCode) -> Option<Culture> {
    let known = country(code);
    let name = known.map_or(code.as_str(), |c| c.name);
    let id = CultureId::new(name.to_lowercase().replace(' ', "-")).ok()?;
    Some(Culture {
        id,
        name: name.into(),
        countries: vec![code.clone()],
        place: match name {
            "United States" | "Netherlands" | "Philippines" | "Maldives" => format!("the {name}"),
            _ => name.into(),
        },
        language: known.map_or("und", |c| c.language).into(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_country_has_its_own_codes_and_can_be_a_culture() {
        let numbers: BTreeSet<u16> = WAVE_7.iter().map(|c| c.number).collect();
        let alphas: BTreeSet<&str> = WAVE_7.iter().map(|c| c.alpha).collect();
        assert_eq!((numbers.len(), alphas.len()), (66, 66));
        for c in &WAVE_7 {
            let code = CountryCode::new(c.alpha).unwrap();
            assert_eq!(culture_of(&code).unwrap().countries, [code]);
        }
        assert_eq!(alpha_of_number(b"368.00"), Some(*b"IRQ"));
        assert_eq!(alpha_of_number(b"Avg"), None);
    }
}
