import CloudCore
import Synchronization

extension BridgedNetwork {
    /// What differs from what `apply` would make of the plan, a line for each thing; empty: nothing. Changes nothing.
    /// Throws as `apply` does.
    public func drift(from plan: NetworkPlan) async throws -> [String] {
        let layout = try NetworkLayout(plan, settings)
        async let forwarding = forwards()
        let changes = try NetworkChanges(from: await present(), to: layout)
        var lines = changes.lines.map { "the interfaces need 'ip \($0)'" }
        lines += changes.forwarding.map { "the tunnels need 'bridge \($0)'" }
        lines += try await rulesetDrift(layout)
        if try await !forwarding, !layout.taps.isEmpty { lines.append("net.ipv4.ip_forward is not 1") }
        return lines
    }

    private func rulesetDrift(_ layout: NetworkLayout) async throws -> [String] {
        let tables = layout.names.tables
        let present = RulesetListing(try await nft(tables.map { "list table \($0)" }))
        let wanted = try await loaded.listing(of: Ruleset.render(layout)) { text in
            RulesetListing(
                try await nft(
                    [RulesetListing.oneLine(text)] + tables.map { "list table \($0)" },
                    in: ["unshare", "--net"]))
        }
        return present.differences(from: wanted)
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
