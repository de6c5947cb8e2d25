import ArgumentParser
import CloudClient
import CloudCore
import CloudWire
import Foundation
import Testing

@testable import strettch

func compute(
    id: String = "325", name: String = "web-1", state: String = "RUNNING", ipv4: String? = nil,
    privateIpv4: String? = "10.0.0.5", sshEndpoint: String? = nil, tags: [String] = [], task: TaskWire? = nil,
    failure: FailureWire? = nil
) -> ComputeWire {
    ComputeWire(
        id: id, hostName: name, state: state, image: "UBUNTU-24.04", specification: "S-1C-1G",
        region: "KGL-1",
        ipv4: ipv4, privateIpv4: privateIpv4, sshEndpoint: sshEndpoint, tags: tags, deletionProtection: false,
        createdAt: "2024-01-15T10:00:00Z", updatedAt: "2024-01-15T10:05:00Z", task: task, failure: failure)
}

func task(_ step: String, attempts: Int = 0, note: String? = nil) -> TaskWire {
    TaskWire(action: "create", step: step, since: "2024-01-15T10:04:00Z", attempts: attempts, note: note)
}

@Suite("What the program prints")
struct OutputTests {
    @Test("a list is a table as wide as its cells")
    func list() {
        let computes = [
            compute(ipv4: "195.15.0.73"),
            compute(
                id: "7", name: "database.example", state: "CREATING", privateIpv4: nil, task: task("boot")),
        ]
        #expect(
            OutputCompute.list(computes) == """
                ID   NAME              STATE            ADDRESS      SPECIFICATION  IMAGE         REGION  CREATED
                325  web-1             RUNNING          195.15.0.73  S-1C-1G        UBUNTU-24.04  KGL-1   2024-01-15T10:00:00Z
                7    database.example  CREATING (boot)  -            S-1C-1G        UBUNTU-24.04  KGL-1   2024-01-15T10:00:00Z
                """)
    }

    @Test("an empty list says how to make the first compute")
    func emptyList() {
        #expect(
            OutputCompute.list([]) == "There are no computes. Make one with: strettch compute create NAME")
    }

    @Test("one compute is shown whole, without what is absent")
    func detail() {
        let failed = compute(
            state: "FAILED", privateIpv4: nil, tags: ["web", "test"],
            task: task("erase", attempts: 2, note: "the disk is busy"),
            failure: FailureWire(code: "HOST_FAILED", message: "The machine could not be started."))
        #expect(
            OutputCompute.detail(failed) == """
                id             325
                hostName       web-1
                state          FAILED
                action         create
                step           erase since 2024-01-15T10:04:00Z, failed 2 times: the disk is busy
                failure        HOST_FAILED: The machine could not be started.
                image          UBUNTU-24.04
                specification  S-1C-1G
                region         KGL-1
                tags           web, test
                createdAt      2024-01-15T10:00:00Z
                updatedAt      2024-01-15T10:05:00Z
                """)
    }

    @Test("a running compute comes with the way to log in")
    func login() {
        #expect(
            OutputCompute.login(compute(ipv4: "195.15.0.73")) == """
                web-1 (325) is RUNNING.

                    strettch compute ssh 325
                    ssh root@195.15.0.73
                """)
        #expect(
            OutputCompute.login(compute(sshEndpoint: "127.0.0.1:2201")) == """
                web-1 (325) is RUNNING.

                    strettch compute ssh 325
                    ssh -p 2201 root@127.0.0.1
                """)
        #expect(
            OutputCompute.login(compute()) == """
                web-1 (325) is RUNNING.

                    strettch compute ssh 325
                    ssh root@10.0.0.5

                It has no public address: it is reached from its host and the team's computes.
                """)
    }

    @Test("an error shows each field and the request's id")
    func refusal() {
        let error = ClientError(
            .refused, status: 400, code: "VALIDATION_ERROR",
            message: "The request has 2 problems: see errors.",
            requestId: "f47ac10b-58cc-4372-a567-0e02b2c3d479",
            problems: [
                ProblemWire(field: "hostName", message: "has a space"),
                ProblemWire(field: "publicKeys", message: "is empty"),
            ])
        #expect(
            OutputText.error(error) == """
                error: VALIDATION_ERROR: The request has 2 problems: see errors.
                  hostName: has a space
                  publicKeys: is empty
                  requestId: f47ac10b-58cc-4372-a567-0e02b2c3d479
                """)
    }

    @Test("a field that the message itself names is not shown twice")
    func singleProblem() {
        let error = CloudError.invalid([Problem("limit", "is above 100")])
        #expect(OutputText.error(error) == "error: VALIDATION_ERROR: limit: is above 100")
    }

    @Test("control characters from the server don't reach the terminal")
    func controlCharacters() {
        let error = ClientError(.refused, status: 400, code: "X", message: "a\u{1B}[2Jb\nc\u{7}")
        #expect(OutputText.error(error) == "error: X: a\u{FFFD}[2Jb\u{FFFD}c\u{FFFD}")
        let table = OutputTable(header: ["A"], rows: [["\u{1B}[31m"]])
        #expect(table.text == "A\n\u{FFFD}[31m")
    }

    @Test("JSON is the API's own data, with no null for what is absent")
    func json() throws {
        let text = try OutputText.json(compute(sshEndpoint: "127.0.0.1:2201", tags: ["a/b"]))
        #expect(
            text == """
                {
                  "createdAt" : "2024-01-15T10:00:00Z",
                  "deletionProtection" : false,
                  "hostName" : "web-1",
                  "id" : "325",
                  "image" : "UBUNTU-24.04",
                  "privateIpv4" : "10.0.0.5",
                  "region" : "KGL-1",
                  "specification" : "S-1C-1G",
                  "sshEndpoint" : "127.0.0.1:2201",
                  "state" : "RUNNING",
                  "tags" : [
                    "a/b"
                  ],
                  "updatedAt" : "2024-01-15T10:05:00Z"
                }
                """)
    }

    @Test("durations are seconds, and minutes from the first on")
    func durations() {
        #expect(OutputText.duration(.milliseconds(59_900)) == "59 s")
        #expect(OutputText.duration(.seconds(65)) == "1 min 05 s")
        #expect(OutputText.duration(.seconds(3600)) == "60 min 00 s")
        #expect(OutputText.duration(.seconds(-1)) == "0 s")
    }
}

@Suite("Exit statuses")
struct OutputExitTests {
    @Test(
        "each kind of failure has its status",
        arguments: [
            (400, ProgramExit.refused), (401, .unauthorized), (403, .unauthorized), (404, .notFound),
            (409, .conflict), (413, .refused), (415, .refused), (422, .refused), (429, .unavailable),
            (500, .unavailable), (503, .unavailable),
        ])
    func refused(status: Int, expected: ProgramExit) {
        #expect(ProgramExit(ClientError(.refused, status: status, code: "X", message: "y")) == expected)
    }

    @Test("what never reached a server has its own")
    func local() {
        #expect(ProgramExit(ClientError(.unreachable, code: "UNREACHABLE", message: "")) == .unavailable)
        #expect(ProgramExit(ClientError(.unreadable, status: 404, code: "X", message: "")) == .unavailable)
        #expect(ProgramExit(ClientError(.unconfigured, code: "NO_CREDENTIALS", message: "")) == .unauthorized)
        #expect(ProgramExit(ClientError(.unconfigured, code: "INVALID_URL", message: "")) == .refused)
        #expect(ProgramExit(CommandFailure(.notReached, "")) == .notReached)
        #expect(ProgramExit(CloudError(.resourceNotFound, "")) == .notFound)
        #expect(ProgramExit(CancellationError()) == .failure)
    }

    @Test("the usage status is the argument parser's")
    func usage() {
        #expect(ProgramExit.usage.rawValue == ExitCode.validationFailure.rawValue)
    }

    @Test("the documentation lists every status", arguments: ProgramExit.allCases)
    func documented(status: ProgramExit) throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "docs/cli.md"), encoding: .utf8)
        #expect(text.contains("\n| \(status.rawValue) | "))
    }
}
