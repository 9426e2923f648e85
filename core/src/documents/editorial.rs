//! What public free text must not hold: the Finnish Service Catalogue's editorial rules ban phone
//! numbers, e-mail and web addresses, street addresses and years in descriptions, because they go
//! stale there; each has a field of its own.

use super::check::code;

/// Every ban the text breaks, each once.
pub fn bans(text: &str) -> Vec<&'static str> {
    let words: Vec<&str> = text
        .split_whitespace()
        .map(trim)
        .filter(|w| !w.is_empty())
        .collect();
    let mut found = Vec::new();
    if words.iter().any(|word| is_email(word)) {
        found.push(code::EMAIL_IN_TEXT);
    }
    if words.iter().any(|word| is_web_address(word)) {
        found.push(code::URL_IN_TEXT);
    }
    if has_phone(text) {
        found.push(code::PHONE_IN_TEXT);
    }
    if words
        .windows(2)
        .any(|pair| is_street(pair[0]) && is_house_number(pair[1]))
    {
        found.push(code::ADDRESS_IN_TEXT);
    }
    if words.iter().any(|word| is_year(word)) {
        found.push(code::YEAR_IN_TEXT);
    }
    found
}

fn trim(word: &str) -> &str {
    word.trim_matches(|c: char| {
        matches!(
            c,
            ',' | '.' | ';' | ':' | '!' | '?' | '(' | ')' | '"' | '”' | '\''
        )
    })
}

/// Something, an at sign, something with a dot.
pub fn is_email(word: &str) -> bool {
    word.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty()
            && !host.contains('@')
            && host.split('.').count() > 1
            && host.split('.').all(|p| !p.is_empty())
    })
}

fn is_web_address(word: &str) -> bool {
    let word = word.to_lowercase();
    let host = word.split('/').next().unwrap_or_default();
    word.contains("://")
        || word.starts_with("www.")
        || (!word.contains('@')
            && [".fi", ".com", ".net", ".org", ".eu", ".se"]
                .iter()
                .any(|end| host.len() > end.len() && host.ends_with(end)))
}

/// A run of at least seven digits, spaces and hyphens between them allowed, that starts with 0 or
/// a plus sign, as Finnish numbers do.
fn has_phone(text: &str) -> bool {
    let mut run = String::new();
    let mut started = false;
    for c in text.chars().chain(['|']) {
        match c {
            '+' if run.is_empty() => started = true,
            '0'..='9' => {
                started |= run.is_empty() && c == '0';
                run.push(c);
            }
            ' ' | '-' | '\u{a0}' if !run.is_empty() => {}
            _ => {
                if started && run.len() >= 7 {
                    return true;
                }
                run.clear();
                started = false;
            }
        }
    }
    false
}

/// The endings of Finnish and Swedish street names.
fn is_street(word: &str) -> bool {
    let word = word.to_lowercase();
    [
        "katu",
        "tie",
        "kuja",
        "polku",
        "kaari",
        "raitti",
        "bulevardi",
        "väylä",
        "gatan",
        "vägen",
        "gränden",
        "stigen",
    ]
    .iter()
    .any(|end| word.len() > end.len() && word.ends_with(end))
}

fn is_house_number(word: &str) -> bool {
    let digits = word.chars().take_while(char::is_ascii_digit).count();
    (1..=4).contains(&digits)
        && word.chars().skip(digits).all(char::is_alphabetic)
        && word.chars().count() <= digits + 1
}

fn is_year(word: &str) -> bool {
    word.len() == 4
        && (word.starts_with("19") || word.starts_with("20"))
        && word.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ban_is_found() {
        for (text, code) in [
            ("Soita 040 123 4567 tai tule.", code::PHONE_IN_TEXT),
            ("Numero on +358 40-1234567.", code::PHONE_IN_TEXT),
            ("Vaihde 05-6160000", code::PHONE_IN_TEXT),
            ("Kirjoita: apu@esimerkki.fi.", code::EMAIL_IN_TEXT),
            ("Katso www.esimerkki.fi", code::URL_IN_TEXT),
            ("Lisää: https://esimerkki.example/x", code::URL_IN_TEXT),
            ("Ks. esimerkki.fi/hoiva.", code::URL_IN_TEXT),
            ("Tule osoitteeseen Kauppakatu 5 B.", code::ADDRESS_IN_TEXT),
            ("Vi finns på Brahegatan 12a", code::ADDRESS_IN_TEXT),
            ("Hinnat vuonna 2026.", code::YEAR_IN_TEXT),
        ] {
            assert!(bans(text).contains(&code), "{text}: {:?}", bans(text));
        }
    }

    #[test]
    fn ordinary_sentences_break_nothing() {
        for text in [
            "Kotihoito auttaa arjessa 24 tuntia vuorokaudessa, 7 päivää viikossa.",
            "Palvelu on tarkoitettu yli 65-vuotiaille. Käynti kestää 30-60 minuuttia.",
            "Metsäretki 3 km polkua pitkin, ryhmässä 4-8 henkeä. Hinta 1 500 euroa.",
            "Palvelutie on auki. Työn tie 1 on nimi? Ei.",
            "Yli 10 000 käyntiä, 0,5 tunnin välein.",
            "",
        ] {
            assert_eq!(bans(text), Vec::<&str>::new(), "{text}");
        }
    }
}
