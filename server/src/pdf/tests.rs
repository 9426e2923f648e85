#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]
use super::*;

fn report(rows: &[Vec<String>]) -> Vec<u8> {
    let columns = ["Milloin", "Kuka", "Mitä"].map(|label| Column {
        label: label.to_owned(),
        share: 1.0,
    });
    let facts = [("Asiakas".to_owned(), "Åsa Öhman-Jääskeläinen".to_owned())];
    a4(&Report {
        language: "fi",
        title: "Ote käyttölokista",
        facts: &facts,
        note: "Ajat ovat Suomen aikaa.",
        columns: &columns,
        rows,
        foot: &|page, pages| format!("Sivu {page} / {pages}"),
    })
    .unwrap()
}

/// The text of each page, as whoever searches or copies it gets it; lines and words as they come.
pub(crate) fn text(file: &[u8]) -> Vec<String> {
    let read = lopdf::Document::load_mem(file).unwrap();
    let pages: Vec<u32> = read.get_pages().keys().copied().collect();
    let of = |page: &u32| read.extract_text(&[*page]).unwrap();
    pages.iter().map(of).collect()
}

fn row(cells: [&str; 3]) -> Vec<String> {
    cells.map(ToOwned::to_owned).to_vec()
}

#[test]
fn letters_of_finland_are_text_in_it() {
    let text = text(&report(&[row([
        "1.1.",
        "Märta Åkerlöf",
        "ÄÖÅ äöå š ž é ü",
    ])]))
    .concat();
    for part in [
        "Ote käyttölokista",
        "Åsa Öhman-Jääskeläinen",
        "Märta Åkerlöf",
        "ÄÖÅ äöå š ž é ü",
        "Sivu 1 / 1",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_letter_typed_as_two_is_one_and_one_without_a_shape_is_still_text() {
    let text = text(&report(&[row(["Ma\u{308}kinen", "漢字", "a\u{0}b\nc"])])).concat();
    assert!(text.contains("Mäkinen"), "{text}");
    assert!(text.contains("a b c"), "{text}");
}

#[test]
fn a_long_table_goes_on_over_pages_with_its_head_and_loses_no_row() {
    let rows: Vec<_> = (0..400)
        .map(|n| row([&format!("rivi{n}."), "Aino Aalto", "luki"]))
        .collect();
    let pages = text(&report(&rows));
    assert!(pages.len() > 5, "{}", pages.len());
    for (number, page) in pages.iter().enumerate() {
        assert!(page.contains("Milloin"), "{page}");
        let foot = format!("Sivu {} / {}", number + 1, pages.len());
        assert!(page.contains(&foot), "{page}");
    }
    for n in 0..400 {
        let held = pages.iter().filter(|p| p.contains(&format!("rivi{n}.")));
        assert_eq!(held.count(), 1, "{n}");
    }
}

#[test]
fn what_is_too_wide_or_too_high_is_cut_into_lines_and_pages() {
    let long = "x".repeat(300);
    let high = (0..900).map(|n| format!("sana{n}. ")).collect::<String>();
    let pages = text(&report(&[
        row(["1", &long, &high]),
        row(["2", "", "loppu"]),
    ]));
    assert!(pages.len() > 1);
    let all = pages.concat();
    assert_eq!(all.matches('x').count(), 300);
    for n in 0..900 {
        assert!(all.contains(&format!("sana{n}.")), "{n}");
    }
    assert!(pages.last().unwrap().contains("loppu"));
}

#[test]
fn nothing_to_show_is_a_page_too() {
    assert_eq!(text(&report(&[])).len(), 1);
}

/// Whether the file says that it holds to PDF/UA-1.
fn by_the_standard(file: &[u8]) -> bool {
    let read = lopdf::Document::load_mem(file).unwrap();
    let said = read
        .objects
        .values()
        .filter_map(|object| object.as_stream().ok());
    let mut said = said.map(|stream| {
        stream
            .decompressed_content()
            .unwrap_or_else(|_| stream.content.clone())
    });
    said.any(|said| String::from_utf8_lossy(&said).contains("pdfuaid:part"))
}

#[test]
fn it_holds_to_the_standard_for_who_has_it_read_aloud() {
    let rows: Vec<_> = (0..100).map(|_| row(["1.1.", "Aino Aalto", ""])).collect();
    assert!(by_the_standard(&report(&rows)));
    assert!(by_the_standard(&report(&[])));
    let read = lopdf::Document::load_mem(&report(&rows)).unwrap();
    let of = |kind: &str| {
        let is = |object: &&lopdf::Object| {
            let said = object.as_dict().ok().and_then(|dict| dict.get(b"S").ok());
            said.and_then(|said| said.as_name().ok()) == Some(kind.as_bytes())
        };
        read.objects.values().filter(is).count()
    };
    assert_eq!((of("H1"), of("Table"), of("TH")), (1, 1, 3));
    assert_eq!(
        (of("TR"), of("TD")),
        (101, 300),
        "empty cells are cells too"
    );
}

#[test]
fn what_cannot_hold_to_it_is_made_all_the_same() {
    let file = report(&[row(["1", "漢字", "luki"])]);
    assert!(!by_the_standard(&file));
    assert!(text(&file).concat().contains("luki"));
}
