import CloudCore
import Foundation

/// Tells other programs on the same database that something was committed, and hears it from them, on a connection and a
/// thread of its own: what changed anywhere where an API is served, and what is to be done on its own host where a worker is.
///
/// The notification is sent behind the commit and not in it: PostgreSQL lets one transaction at a time commit that
/// notifies, which would take from all of them that they can share a sync. What a crash in between leaves untold is
/// seen by whoever looks by itself, every second.
final class PostgresListener: Sendable {
    private let line: TellLine
    static let channel = "strettch_changes"
    /// Where the worker of a host listens.
    static func channel(ofHost hostId: Int64) -> String { "\(hostChannel)\(hostId)" }
    static let hostChannel = "strettch_host_"
    /// How often old rows of `commits` are taken out: by whoever listens, which every program does.
    private static let forgetPause = Duration.seconds(60)

    /// - Parameters:
    ///   - hearsChanges: whether `onChange` is to be called at all.
    ///   - onChange: called with the teams that commits of other programs concern, for several at once, and with `nil` when some may have
    ///     been missed.
    init(
        _ settings: PostgresSettings, hearsChanges: Bool = true,
        onChange: @escaping @Sendable (Set<Int64>?) -> Void
    ) {
        let line = TellLine()
        self.line = line
        let thread = Thread { Self.work(line, settings, hearsChanges ? onChange : nil) }
        thread.name = "postgres listener"
        thread.start()
    }

    deinit { line.end() }

    /// Soon, and once for all who ask until then.
    func tell(_ tidings: Tidings) { line.tell(tidings) }

    /// Calls `onJob` from now on when a job of the host may have fallen due.
    func listen(toHost hostId: Int64, _ onJob: @escaping @Sendable (Set<Int64>?) -> Void) {
        line.listen(TellLine.Ear(channel: Self.channel(ofHost: hostId), call: onJob))
    }

    func end() { line.end() }

    private static func work(
        _ line: TellLine, _ settings: PostgresSettings, _ onChange: (@Sendable (Set<Int64>?) -> Void)?
    ) {
        if let onChange { line.listen(TellLine.Ear(channel: channel, call: onChange)) }
        let reach = PostgresReach()
        while !line.isEnded {
            do {
                let client = try reach.connect(settings)
                var heard = 0
                var lastForget = ContinuousClock.now - forgetPause
                while !line.isEnded {
                    // Those that have come, all of them on a new connection.
                    for ear in line.ears.dropFirst(heard) {
                        try client.run("LISTEN \(ear.channel)")
                        heard += 1
                        // Whatever was told while nobody listened.
                        ear.call(nil)
                    }
                    try serve(client, line)
                    guard ContinuousClock.now - lastForget >= forgetPause else { continue }
                    try PostgresCommit.forget(on: client)
                    lastForget = .now
                }
            } catch {
                // Away: the programs find out by themselves until it is back.
                line.pause()
            }
        }
    }

    private static func serve(_ client: PostgresClient, _ line: TellLine) throws {
        line.wait(for: client.socket)
        if let statement = line.takeTidings().statement { try client.run(statement) }
        let own = client.processId
        let heard = Dictionary(
            grouping: try client.notifications().filter { $0.process != own }, by: \.channel)
        for ear in line.ears {
            if let told = heard[ear.channel] { ear.call(Tidings.teams(told.map(\.text))) }
        }
    }
}
