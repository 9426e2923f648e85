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
            enrol KUTSU NIMI          liitä laite
            day [PÄIVÄ]               päivän kirjaukset, ja uudestaan kun ne muuttuvat
            new TEKSTI                uusi kirjaus
            open N                    avaa listan rivi
            text TEKSTI               kirjoita kirjaukseen ja tallenna
            handover TEKSTI           terveiset seuraavalle
            outcome KOODI             käynnin tulos
            km MATKA                  ajetut kilometrit
            choose N                  ratkaise ristiriita
            undo                      hylkää mikä on tallentamatta
            show                      näytä avoin kirjaus
            close                     sulje kirjaus
            find SANAT                hae
            pending                   mikä ei ole vielä kirjattu
            sync                      vaihda palvelimen kanssa
            online                    pysy yhteydessä
            offline                   lopeta yhteys
            quit                      lopeta
            """,
            """
            enrol INBJUDAN NAMN       anslut enheten
            day [DATUM]               dagens anteckningar, och igen när de ändras
            new TEXT                  ny anteckning
            open N                    öppna en rad i listan
            text TEXT                 skriv i anteckningen och spara
            handover TEXT             hälsning till nästa
            outcome KOD               besökets resultat
            km STRÄCKA                körda kilometer
            choose N                  avgör en konflikt
            undo                      ångra det som inte är sparat
            show                      visa den öppna anteckningen
            close                     stäng anteckningen
            find ORD                  sök
            pending                   det som ännu inte är infört
            sync                      utbyt med servern
            online                    håll förbindelsen
            offline                   avsluta förbindelsen
            quit                      avsluta
            """,
            """
            enrol INVITATION NAME     join the device
            day [DATE]                the day's notes, and again when they change
            new TEXT                  a new note
            open N                    open a row of the list
            text TEXT                 write into the note and save
            handover TEXT             words for the next person
            outcome CODE              how the visit went
            km DISTANCE               kilometres driven
            choose N                  settle a conflict
            undo                      take back what is not saved
            show                      show the open note
            close                     close the note
            find WORDS                search
            pending                   what is not in the record yet
            sync                      exchange with the server
            online                    keep in sync
            offline                   stop keeping in sync
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
    var notSaved: String { say("ei vielä tallessa", "inte sparat än", "not saved yet") }
    var noSpace: String {
        say(
            "et voi kirjoittaa vielä mihinkään; sync", "du kan inte skriva någonstans än; sync",
            "you cannot write anywhere yet; sync")
    }
    var allInRecord: String { say("kaikki on kirjattu", "allt är infört", "all is in the record") }
    var untitled: String { say("nimetön", "utan rubrik", "untitled") }
    var offline: String { say("yhteys lopetettu", "förbindelsen avslutad", "no longer kept in sync") }
    var wiped: String { say("tämä laite on tyhjennetty", "enheten är tömd", "this device was wiped") }

    func enrolled(_ name: String) -> String {
        say("laite on nyt: ", "enheten tillhör nu: ", "this device is now: ") + name
    }
    func ignored(_ path: String) -> String { say("ei kirjoitettu: ", "skrevs inte: ", "not written: ") + path }
    func outcome(_ code: String) -> String { say("tulos: ", "resultat: ", "outcome: ") + code }
    func draft(_ text: String, _ reason: String) -> String {
        say("ei kirjattu, kopioi talteen: ", "infördes inte, kopiera: ", "not recorded, copy it: ")
            + "\(text) (\(reason))"
    }
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

    /// Where one piece of own work is.
    func place(_ place: Place) -> String {
        switch place {
        case .here: return say("puhelimessa", "i telefonen", "on this phone")
        case .server: return say("palvelimella", "på servern", "on the server")
        case .held: return say("odottaa tarkistusta", "väntar på granskning", "waits for review")
        case .refused: return say("hylätty", "avvisad", "refused")
        }
    }

    /// How the syncing is getting on; `nil` for its end, which says itself why.
    func state(_ state: SyncState) -> String? {
        switch state {
        case .busy: return say("vaihdetaan", "utbyter", "exchanging")
        case .upToDate: return say("ajan tasalla", "uppdaterad", "up to date")
        case .offline: return advice(SopuError.Offline)
        case .waiting(let error): return advice(error)
        case .idle, .ended, .wiped: return nil
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
        case SopuError.BadValue(path: "invitation", code: _):
            return say("tämä ei ole kutsu", "detta är ingen inbjudan", "this is no invitation")
        case SopuError.BadValue(let path, let code):
            return say("arvo ei kelpaa: ", "värdet duger inte: ", "the value does not fit: ") + "\(path) \(code)"
        case SopuError.RightEnded:
            return say("oikeus on päättynyt", "rätten har upphört", "the right has ended")
        case SopuError.Erased:
            return say("kirjaus on poistettu lopullisesti", "anteckningen är utplånad", "the note was erased")
        case SopuError.TryLater:
            return say("palvelin on varattu", "servern är upptagen", "the server is busy")
        case SopuError.NotARelay:
            return say(
                "osoitteessa vastaa jokin muu", "något annat svarar på adressen", "something else answers there")
        case SopuError.Storage(let why):
            return say("tallennustilaa ei voi käyttää: ", "lagret kan inte användas: ", "the store cannot be used: ")
                + why
        case let error as SopuError:
            return say("virhe: ", "fel: ", "error: ") + "\(error)"
        default:
            return say("virhe", "fel", "error")
        }
    }
}
