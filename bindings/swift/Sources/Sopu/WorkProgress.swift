/// `Progress` under a name that Foundation does not use.
public typealias WorkProgress = Progress
