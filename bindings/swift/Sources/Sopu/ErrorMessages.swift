/// What to do, in English, for logs and for whoever writes an app; people get the app's own words. No message has
/// content, names or tokens. `localizedDescription` gives it too.
extension SopuError: CustomDebugStringConvertible {
    public var debugDescription: String {
        switch self {
        case .Enrol: return "this device is not enrolled: ask for an invite code and enrol"
        case .NotFound(let doc): return "there is no document \(doc) here: leave the page"
        case .Erased(let doc): return "document \(doc) was erased: tell the person and leave the page"
        case .RightEnded: return "the right to this space has ended: tell the person, leave the page and sync"
        case .GoOnline(let days): return "no contact for \(days) days: ask the person to go online, and sync"
        case .ReadAgain: return "the version given is not one of the document's any more: refresh the form"
        case .Mend(let problems): return "\(problems.count) problems stand in the way: show them at their fields"
        case .BadValue(let path, let code): return "\(path): \(code); a defect of the app"
        case .Offline: return "no connection to the relay: everything is kept; sync again later"
        case .Stopped: return "stopped, as asked"
        case .Superseded: return "another enrolment was answered first: go on as who identity() says"
        case .Insecure: return "http:// to another machine: ask for the relay's https:// address"
        case .Closed: return "the device was closed: open it again"
        case .TryLater: return "the relay is busy: sync again later"
        case .Refused(let code): return "the relay refused (\(code)): tell the person why"
        case .NotARelay: return "what answered is no relay: check the address and any proxy between"
        case .Update: return "a later version wrote this or answered: update the app"
        case .Damaged(let doc): return "document \(doc) is damaged here, all others are fine: report it"
        case .Storage(why: "damaged"): return "the store is damaged: close the device and salvage it"
        case .Storage(let why): return "the store cannot be used (\(why)): free space, or check the folder and the key"
        case .Defect(let code): return "a defect in Sopu (\(code)): report it; nothing was lost"
        }
    }
}
