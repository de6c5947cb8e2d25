import ArgumentParser
import CloudClient
import CloudWire
import Testing

@testable import strettch

private func event(
    _ kind: String = "compute.created", key: String? = "3", name: String? = "deploy",
    compute: String? = "325", resource: ResourceWire? = nil,
    detail: String? = nil
) -> EventWire {
    EventWire(
        id: "4711", kind: kind, at: "2024-01-15T10:00:00Z",
        actor: ActorWire(type: key == nil ? "system" : "key", keyId: key, keyName: name), computeId: compute,
        resource: resource, requestId: nil, detail: detail)
}

@Suite("strettch audit and strettch compute events")
struct EventCommandTests {
    @Test("an event is a line in columns, without control characters")
    func lines() {
        let lines = [
            OutputEvent.header, OutputEvent.line(event()),
            OutputEvent.line(
                event("compute.failed", key: nil, name: nil, detail: "The disk is full.\u{1B}[2J")),
            OutputEvent.line(event("team.suspended", key: nil, name: nil, compute: nil)),
            OutputEvent.line(
                event("snapshot.ready", compute: nil, resource: ResourceWire(kind: "snapshot", id: "412"))),
        ]
        #expect(
            lines.joined(separator: "\n") == """
                TIME                  KIND                      COMPUTE  BY                    DETAIL
                2024-01-15T10:00:00Z  compute.created           325      deploy (3)
                2024-01-15T10:00:00Z  compute.failed            325      system                The disk is full.\u{FFFD}[2J
                2024-01-15T10:00:00Z  team.suspended            -        system
                2024-01-15T10:00:00Z  snapshot.ready            -        deploy (3)            snapshot 412
                """)
    }

    @Test("a compute is followed to its end, past the events of others")
    func decisions() {
        #expect(ComputeEventsCommand.decide(event(), id: "325") == .show)
        #expect(ComputeEventsCommand.decide(event(), id: "32") == .skip)
        #expect(ComputeEventsCommand.decide(event("compute.destroyed"), id: "325") == .showAndEnd)
        #expect(ComputeEventsCommand.decide(event("compute.destroyed"), id: "1") == .skip)
        #expect(ComputeEventsCommand.decide(event(compute: nil), id: "1") == .skip)
    }

    @Test("options are checked at once")
    func options() throws {
        #expect(try AuditCommand.parse(["-f", "--limit", "7"]).events.follow)
        #expect(try ComputeEventsCommand.parse(["web"]).events.limit == 50)
        #expect(throws: (any Error).self) { try AuditCommand.parse(["--limit", "0"]) }
        #expect(throws: (any Error).self) { try AuditCommand.parse(["--limit", "10001"]) }
        #expect(throws: (any Error).self) { try ComputeEventsCommand.parse([]) }
    }

    @Test("filters of the list are what they are called")
    func filters() throws {
        let command = try ComputeListCommand.parse([
            "--state", "running", "--tag", "a", "--tag", "b", "--region", "KGL-1", "--name", "web",
        ])
        #expect(
            command.filter
                == ListFilter(state: "RUNNING", tags: ["a", "b"], region: "KGL-1", hostName: "web"))
        #expect(OutputCompute.list([], isFiltered: true) == "No compute passes the filter.")
    }
}
