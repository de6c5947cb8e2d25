extension Command {
    /// Runs a script of ours. Its text is known when this is compiled, so no data is ever part of it: that comes as the
    /// script's arguments, `"$1"` and on.
    init(script: StaticString, _ arguments: [String]) {
        self.init("sh", ["-c", "\(script)", "sh"] + arguments)
    }
}
