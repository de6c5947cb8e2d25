/// What an administrator would write in place of the files that the program hands to QEMU open: their names.
enum HandMadeArguments {
    /// - Parameters:
    ///   - vector: of a machine's QEMU, program included, whose `-add-fd` say what each open file is.
    ///   - image: the path of its base image, beside which its kernel lies, if it has one.
    static func from(_ vector: [String], image: String) -> [String] {
        var names: [String: String] = [:]
        var arguments: [String] = []
        for (index, word) in vector.enumerated() where word != "-add-fd" {
            guard index > 0, vector[index - 1] == "-add-fd" else {
                arguments.append(word)
                continue
            }
            let parts = word.split(separator: ",", maxSplits: 2)
            guard parts.count == 3 else { continue }
            let name = parts[2].dropFirst("opaque=".count)
            names["/dev/fdset/\(parts[0].dropFirst("fd=".count))"] = String(name)
        }
        let folder = image.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(
            separator: "/")
        let console = names.values.first { $0.hasSuffix("/console.log") } ?? ""
        let machine = console.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(
            separator: "/")
        for (index, word) in arguments.enumerated() {
            arguments[index] = names.reduce(word) { $0.replacing($1.key, with: $1.value) }
            switch index > 0 ? arguments[index - 1] : "" {
            case "-kernel": arguments[index] = "\(folder)/kernel"
            case "-initrd": arguments[index] = "\(folder)/initrd"
            default: break
            }
            arguments[index] = arguments[index]
                .replacing(/^socket,id=serial,fd=\d+/, with: "socket,id=serial,path=\(machine)/serial.sock")
                .replacing(/^socket,id=monitor,fd=\d+/, with: "socket,id=monitor,path=\(machine)/qmp.sock")
        }
        return arguments
    }
}
