//! Languages that the workbench knows by name: what they are called and how they are written.

use crate::text::Script;

/// A language by the first part of its BCP 47 tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownLanguage {
    /// `ar`
    pub tag: &'static str,
    /// `Arabic`
    pub name: &'static str,
    /// Scripts in which it is usually written; texts may mix them.
    pub scripts: &'static [Script],
}

const LATIN: &[Script] = &[Script::Latin];
const CYRILLIC: &[Script] = &[Script::Cyrillic];
const ARABIC: &[Script] = &[Script::Arabic];
const DEVANAGARI: &[Script] = &[Script::Devanagari];
const ETHIOPIC: &[Script] = &[Script::Ethiopic];

const fn language(
    tag: &'static str,
    name: &'static str,
    scripts: &'static [Script],
) -> KnownLanguage {
    KnownLanguage { tag, name, scripts }
}

/// The table: languages of the surveys' countries and of the test sets. Sorted by tag.
const LANGUAGES: [KnownLanguage; 74] = [
    language("af", "Afrikaans", LATIN),
    language("am", "Amharic", ETHIOPIC),
    language("ar", "Arabic", ARABIC),
    language("az", "Azerbaijani", LATIN),
    language("be", "Belarusian", CYRILLIC),
    language("bg", "Bulgarian", CYRILLIC),
    language("bn", "Bengali", &[Script::Bengali]),
    language("bs", "Bosnian", LATIN),
    language("ca", "Catalan", LATIN),
    language("cs", "Czech", LATIN),
    language("da", "Danish", LATIN),
    language("de", "German", LATIN),
    language("el", "Greek", &[Script::Greek]),
    language("en", "English", LATIN),
    language("es", "Spanish", LATIN),
    language("et", "Estonian", LATIN),
    language("eu", "Basque", LATIN),
    language("fa", "Persian", ARABIC),
    language("fi", "Finnish", LATIN),
    language("fil", "Filipino", LATIN),
    language("fr", "French", LATIN),
    language("gu", "Gujarati", &[Script::Gujarati]),
    language("ha", "Hausa", LATIN),
    language("he", "Hebrew", &[Script::Hebrew]),
    language("hi", "Hindi", DEVANAGARI),
    language("hr", "Croatian", LATIN),
    language("hu", "Hungarian", LATIN),
    language("hy", "Armenian", &[Script::Armenian]),
    language("id", "Indonesian", LATIN),
    language("ig", "Igbo", LATIN),
    language("is", "Icelandic", LATIN),
    language("it", "Italian", LATIN),
    language("ja", "Japanese", &[Script::Han, Script::Hiragana, Script::Katakana]),
    language("ka", "Georgian", &[Script::Georgian]),
    language("kk", "Kazakh", CYRILLIC),
    language("km", "Khmer", &[Script::Khmer]),
    language("kn", "Kannada", &[Script::Kannada]),
    language("ko", "Korean", &[Script::Hangul]),
    language("ky", "Kyrgyz", CYRILLIC),
    language("lo", "Lao", &[Script::Lao]),
    language("lt", "Lithuanian", LATIN),
    language("lv", "Latvian", LATIN),
    language("mk", "Macedonian", CYRILLIC),
    language("ml", "Malayalam", &[Script::Malayalam]),
    language("mn", "Mongolian", &[Script::Cyrillic, Script::Mongolian]),
    language("mr", "Marathi", DEVANAGARI),
    language("ms", "Malay", LATIN),
    language("my", "Burmese", &[Script::Myanmar]),
    language("ne", "Nepali", DEVANAGARI),
    language("nl", "Dutch", LATIN),
    language("no", "Norwegian", LATIN),
    language("pa", "Punjabi", &[Script::Gurmukhi]),
    language("pl", "Polish", LATIN),
    language("ps", "Pashto", ARABIC),
    language("pt", "Portuguese", LATIN),
    language("ro", "Romanian", LATIN),
    language("ru", "Russian", CYRILLIC),
    language("si", "Sinhala", &[Script::Sinhala]),
    language("sk", "Slovak", LATIN),
    language("sl", "Slovenian", LATIN),
    language("sq", "Albanian", LATIN),
    language("sr", "Serbian", &[Script::Cyrillic, Script::Latin]),
    language("sv", "Swedish", LATIN),
    language("sw", "Swahili", LATIN),
    language("ta", "Tamil", &[Script::Tamil]),
    language("te", "Telugu", &[Script::Telugu]),
    language("th", "Thai", &[Script::Thai]),
    language("tr", "Turkish", LATIN),
    language("uk", "Ukrainian", CYRILLIC),
    language("ur", "Urdu", ARABIC),
    language("uz", "Uzbek", LATIN),
    language("vi", "Vietnamese", LATIN),
    language("yo", "Yoruba", LATIN),
    language("zh", "Chinese", &[Script::Han]),
];

/// The first part of a BCP 47 tag, lower case: `pt` of `pt-BR`.
pub fn primary_language(tag: &str) -> String {
    tag.split(['-', '_']).next().unwrap_or(tag).to_ascii_lowercase()
}

/// Whether two tags name one language, whatever the region.
pub fn same_language(a: &str, b: &str) -> bool {
    primary_language(a) == primary_language(b)
}

/// A language of the table.
pub fn known_language(tag: &str) -> Option<&'static KnownLanguage> {
    let primary = primary_language(tag);
    LANGUAGES.iter().find(|l| l.tag == primary)
}

/// What a language is called in English; its tag where the table does not know it.
pub fn language_name(tag: &str) -> &str {
    known_language(tag).map_or(tag, |l| l.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_sorted_once_and_regions_do_not_matter() {
        assert!(LANGUAGES.windows(2).all(|w| w[0].tag < w[1].tag));
        assert_eq!(language_name("pt-BR"), "Portuguese");
        assert_eq!(language_name("tlh"), "tlh");
        assert!(same_language("en", "en-GB") && !same_language("en", "es"));
    }
}
