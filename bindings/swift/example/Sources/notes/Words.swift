import Foundation
import Sopu

/// What a person reads, in the three languages of the documents.
struct Words {
    enum Language: String {
        case fi, sv, en
    }

    let language: Language

    /// `LANG` decides; Finnish if it says nothing known.
    init(environment: [String: String]) {
        let tongue = environment["LC_ALL"] ?? environment["LANG"] ?? ""
        language = Language(rawValue: String(tongue.prefix(2))) ?? .fi
    }

    private func say(_ fi: String, _ sv: String, _ en: String) -> String {
        switch language {
        case .fi: return fi
        case .sv: return sv
        case .en: return en
        }
    }

    var help: String {
        say(
            """
            enrol OSOITE KOODI NIMI   liitä laite
            day [PÄIVÄ]               päivän kirjaukset
            new TEKSTI                uusi kirjaus
            open N                    avaa listan rivi
            text TEKSTI               kirjoita kirjaukseen ja tallenna
            handover TEKSTI           terveiset seuraavalle
            outcome KOODI             käynnin tulos
            choose N                  ratkaise ristiriita
            find SANAT                hae
            sync                      vaihda palvelimen kanssa
            quit                      lopeta
            """,
            """
            enrol ADRESS KOD NAMN     anslut enheten
            day [DATUM]               dagens anteckningar
            new TEXT                  ny anteckning
            open N                    öppna en rad i listan
            text TEXT                 skriv i anteckningen och spara
            handover TEXT             hälsning till nästa
            outcome KOD               besökets resultat
            choose N                  avgör en konflikt
            find ORD                  sök
            sync                      utbyt med servern
            quit                      avsluta
            """,
            """
            enrol ADDRESS CODE NAME   join the device
            day [DATE]                the day's notes
            new TEXT                  a new note
            open N                    open a row of the list
            text TEXT                 write into the note and save
            handover TEXT             words for the next person
            outcome CODE              how the visit went
            choose N                  settle a conflict
            find WORDS                search
            sync                      exchange with the server
            quit                      end
            """)
    }

    var nothing: String { say("ei kirjauksia", "inga anteckningar", "no notes") }
    var openFirst: String { say("avaa ensin kirjaus", "öppna först en anteckning", "open a note first") }
    var unknown: String { say("en ymmärrä; help", "förstår inte; help", "not understood; help") }
    var saved: String { say("tallennettu", "sparat", "saved") }
    var unchanged: String { say("mikään ei muuttunut", "inget ändrades", "nothing changed") }
    var noConflict: String { say("ei ristiriitoja", "inga konflikter", "no conflicts") }
    var synced: String { say("vaihdettu", "utbytt", "exchanged") }
    var wiped: String { say("tämä laite on tyhjennetty", "enheten är tömd", "this device was wiped") }

    func enrolled(_ name: String) -> String {
        say("laite on nyt: ", "enheten tillhör nu: ", "this device is now: ") + name
    }
    func ignored(_ path: String) -> String { say("ei kirjoitettu: ", "skrevs inte: ", "not written: ") + path }
    func conflict(_ path: String) -> String { say("ristiriita: ", "konflikt: ", "conflict: ") + path }

    /// Where own work stands.
    func stage(_ progress: WorkProgress) -> String {
        if progress.held + progress.refused > 0 {
            return say("odottaa tarkistusta", "väntar på granskning", "waits for review")
        }
        switch progress.stage {
        case nil: return ""
        case .here: return say("puhelimessa", "i telefonen", "on this phone")
        case .server: return say("palvelimella", "på servern", "on the server")
        case .record: return say("kirjattu", "införd", "in the record")
        case .seen: return say("nähty toimistolla", "sedd av kontoret", "seen by the office")
        }
    }

    /// What to do after an error.
    func advice(_ error: any Error) -> String {
        switch error {
        case SopuError.Offline:
            return say(
                "ei yhteyttä; kaikki on tallessa", "ingen förbindelse; allt är sparat",
                "no connection; everything is kept")
        case SopuError.Enrol:
            return say("liitä laite: enrol", "anslut enheten: enrol", "join the device: enrol")
        case SopuError.Refused(let code):
            return say("palvelin ei hyväksy: ", "servern godtar inte: ", "the server refuses: ") + code
        case SopuError.Update:
            return say("päivitä sovellus", "uppdatera appen", "update the app")
        case SopuError.BadValue(let path, let code):
            return say("arvo ei kelpaa: ", "värdet duger inte: ", "the value does not fit: ") + "\(path) \(code)"
        case SopuError.RightEnded:
            return say("oikeus on päättynyt", "rätten har upphört", "the right has ended")
        case let error as SopuError:
            return say("virhe: ", "fel: ", "error: ") + "\(error)"
        default:
            return say("virhe", "fel", "error")
        }
    }
}
