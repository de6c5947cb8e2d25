import CloudCore
import Synchronization

extension BridgedNetwork {
    /// What differs from what `apply` would make of the plan, a line for each thing; empty: nothing. Changes nothing.
    /// Throws as `apply` does.
    public func drift(from plan: NetworkPlan) async throws -> [String] {
        let layout = try NetworkLayout(plan, settings)
        async let forwards = forwarding()
        let changes = try NetworkChanges(from: await present(), to: layout)
        var lines = changes.lines.map { "the interfaces need 'ip \($0)'" }
        lines += changes.forwarding.map { "the tunnels need 'bridge \($0)'" }
        lines += try await rulesetDrift(layout)
        lines += try await forwardingDrift(await forwards, layout)
        return lines
    }

    private func forwardingDrift(
        _ present: PresentForwarding, _ layout: NetworkLayout
    ) async throws -> [String] {
        var lines = present.missing(for: layout).map { "\($0) is not 1" }
        let needed = ConnectionTable.needed(for: layout)
        if let size = ConnectionTable.size, size < needed {
            lines.append("\(ConnectionTable.setting) is \(size), and the guests may take \(needed)")
        }
        // Routes matter, and are asked for, only if some interface does not forward.
        guard !layout.taps.isEmpty, present.interfaces.contains(where: { $0.key != "lo" && !$0.value }) else {
            return lines
        }
        let routes = try PresentRoute.all(json: await run("ip", ["-4", "-json", "route"], as: nil))
        return lines
            + present.closed(routes).map {
                "\(PresentForwarding.setting($0)) is not 1, so no guest gets what comes in through \($0). It is not ours: "
                    + "set it by hand"
            }
    }

    private func rulesetDrift(_ layout: NetworkLayout) async throws -> [String] {
        let tables = layout.tables
        let present = RulesetListing(try await nft(tables.map { "list table \($0)" }))
        let wanted = try await loaded.listing(of: Ruleset.render(layout)) { text in
            RulesetListing(
                try await nft(
                    [RulesetListing.oneLine(text)] + tables.map { "list table \($0)" },
                    in: ["unshare", "--net"]))
        }
        let differences = present.differences(from: wanted)
        if differences.contains(where: { $0.contains(layout.names.limitsTable) }) { loaded.renewLimits() }
        return differences
    }

    /// Runs each line as a command of its own, and returns what they print; one that fails, such as the listing of a
    /// table that is not there, prints nothing. nft would keep a history in the home folder, so it gets none.
    private func nft(_ lines: [String], in prefix: [String] = []) async throws -> String {
        try await run(
            "env", ["HOME=/dev/null"] + prefix + ["nft", "--interactive"],
            input: lines.joined(separator: "\n") + "\n", as: nil)
    }
}

/// What one text of rules reads as once the kernel has it: found out by loading it in a network namespace that ends with
/// the command, and remembered, since the text changes less often than it is compared.
final class LoadedRuleset: Sendable {
    private let last = Mutex<(text: String, listing: RulesetListing)?>(nil)
    private let mustRenewLimits = Mutex(false)

    /// Lets the next ruleset make the table of limits anew, which is else kept with what somebody has done to it.
    func renewLimits() { mustRenewLimits.withLock { $0 = true } }

    /// Whether `renewLimits` was called since the last time.
    func takeRenewal() -> Bool {
        mustRenewLimits.withLock { mustRenew in
            defer { mustRenew = false }
            return mustRenew
        }
    }

    /// - Parameter load: finds it out.
    func listing(
        of text: String, _ load: (String) async throws -> RulesetListing
    ) async throws -> RulesetListing {
        if let known = last.withLock({ $0?.text == text ? $0?.listing : nil }) { return known }
        let listing = try await load(text)
        last.withLock { $0 = (text, listing) }
        return listing
    }
}
