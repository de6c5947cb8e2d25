import CloudWire

/// How computes are shown to people.
enum OutputCompute {
    /// A table of computes, or what to do when there are none.
    static func list(_ computes: [ComputeWire], isFiltered: Bool = false) -> String {
        guard !computes.isEmpty || !isFiltered else { return "No compute passes the filter." }
        guard !computes.isEmpty else {
            return "There are no computes. Make one with: strettch compute create NAME"
        }
        return OutputTable(
            header: ["ID", "NAME", "STATE", "ADDRESS", "SPECIFICATION", "IMAGE", "REGION", "CREATED"],
            rows: computes.map {
                [
                    $0.id, $0.hostName, state($0), address($0) ?? "-", $0.specification, $0.image, $0.region,
                    $0.createdAt,
                ]
            }
        ).text
    }

    /// All that is known of one compute, a line each.
    static func detail(_ compute: ComputeWire) -> String {
        let lines: [(String, String?)] = [
            ("id", compute.id), ("hostName", compute.hostName), ("state", compute.state),
            ("action", compute.task?.action), ("step", compute.task.map(step)),
            ("failure", compute.failure.map { "\($0.code): \($0.message)" }),
            ("image", compute.image), ("specification", compute.specification), ("region", compute.region),
            ("ipv4", compute.ipv4), ("privateIpv4", compute.privateIpv4),
            ("sshEndpoint", compute.sshEndpoint),
            ("tags", compute.tags.isEmpty ? nil : compute.tags.joined(separator: ", ")),
            ("protected", compute.deletionProtection ? "from deletion" : nil),
            ("createdAt", compute.createdAt), ("updatedAt", compute.updatedAt),
        ]
        return lines.compactMap { name, value in
            value.map { name + String(repeating: " ", count: 15 - name.count) + OutputText.clean($0) }
        }.joined(separator: "\n")
    }

    /// What to say of a compute that runs: where it is and how to log in.
    static func login(_ compute: ComputeWire) -> String {
        var lines = ["\(name(compute)) is \(compute.state).", ""]
        lines.append("    strettch compute ssh \(compute.id)")
        if let target = SSHTarget(compute) {
            lines.append("    " + target.plainCommand)
            if target.isPrivate {
                lines += [
                    "", "It has no public address: it is reached from its host and the team's computes.",
                ]
            }
        }
        return OutputText.clean(lines: lines)
    }

    /// What to say of a compute whose create was accepted and is not waited for.
    static func accepted(_ compute: ComputeWire) -> String {
        OutputText.clean(lines: [
            "\(name(compute)) is \(compute.state).", "Look at it with: strettch compute get \(compute.id)",
        ])
    }

    /// What to say of a create that was checked and priced.
    static func quote(_ quote: ComputeQuoteWire) -> String {
        var lines = [
            "\(quote.hostName) can be made: \(quote.specification) with \(quote.image) in \(quote.region)."
        ]
        lines.append("\(quote.pricePerHour) \(quote.currency) an hour, \(quote.pricePerMonth) a month.")
        if let fee = quote.publicIpPerMonth { lines.append("\(fee) a month for its public address.") }
        if let days = quote.daysLeft { lines.append("The balance lasts \(days) days with it.") }
        return OutputText.clean(lines: lines)
    }

    /// What to say of a compute after a change was accepted or is done.
    static func changed(_ compute: ComputeWire) -> String {
        let action = compute.task?.action.map { ", and '\($0)' is under way" } ?? ""
        return OutputText.clean(lines: ["\(name(compute)) is \(compute.state)\(action)."])
    }

    /// `web-1 (325)`.
    static func name(_ compute: ComputeWire) -> String {
        OutputText.clean("\(compute.hostName) (\(compute.id))")
    }

    /// The address by which it is reached best.
    static func address(_ compute: ComputeWire) -> String? {
        compute.ipv4 ?? compute.sshEndpoint ?? compute.privateIpv4
    }

    private static func state(_ compute: ComputeWire) -> String {
        compute.task.map { "\(compute.state) (\($0.step))" } ?? compute.state
    }

    static func step(_ task: TaskWire) -> String {
        "\(task.step) since \(task.since)" + (task.attempts > 0 ? ", failed \(task.attempts) times" : "")
            + (task.note.map { ": \($0)" } ?? "")
    }
}

extension OutputText {
    /// The lines joined, each without control characters.
    static func clean(lines: [String]) -> String { lines.map { clean($0) }.joined(separator: "\n") }
}
