import ArgumentParser
import CloudClient
import CloudWire
import Foundation
import Testing

@testable import strettch

@Suite("strettch compute create")
struct ComputeCreateCommandTests {
    private func parse(_ name: String, _ more: [String] = []) throws -> ComputeCreateCommand {
        try ComputeCreateCommand.parse(
            [name, "--image", "I", "--region", "R", "--specification", "S"] + more)
    }

    @Test("spaces in the name become hyphens")
    func spaces() throws {
        #expect(try parse("  my web  server ").hostName == "my-web-server")
        #expect(try parse("My_Server").hostName == "My_Server")
        #expect(throws: (any Error).self) { try parse("  ") }
    }

    @Test("keys and tags can be repeated")
    func repeated() throws {
        let command = try parse("a", ["--key", "a.pub", "--key", "b.pub", "--tag", "x", "--tag", "y"])
        #expect(command.key == ["a.pub", "b.pub"])
        #expect(command.tag == ["x", "y"])
        #expect(!command.publicIp)
    }

    @Test("times and keys that can't be are refused at once")
    func invalid() {
        #expect(throws: (any Error).self) { try parse("a", ["--timeout", "0"]) }
        #expect(throws: (any Error).self) { try parse("a", ["--timeout", "86401"]) }
        #expect(throws: (any Error).self) { try parse("a", ["--idempotency-key", "mine"]) }
        #expect(throws: (any Error).self) { try parse("a", ["second-name"]) }
    }

    @Test("a compute that failed or vanished is an exit of 8 with the reason")
    func notReached() throws {
        let failed = compute(
            state: "FAILED", failure: FailureWire(code: "HOST_FAILED", message: "No disk left."))
        let outcomes: [(WaitOutcome<ComputeWire>, CommandFailure)] = [
            (
                .reached(failed),
                CommandFailure(.notReached, code: "HOST_FAILED", "web-1 (325) is FAILED: No disk left.")
            ),
            (.reached(nil), CommandFailure(.notReached, "web-1 (325) was deleted in the meantime.")),
            (
                .timedOut(compute(state: "CREATING", task: task("boot", note: "slot 3"))),
                CommandFailure(
                    .notReached,
                    "web-1 (325) is still CREATING (boot: slot 3) after 60 s. The work goes on; look again with "
                        + "`strettch compute list`.")
            ),
        ]
        for (outcome, expected) in outcomes {
            #expect(throws: expected) {
                try ComputeCommandWait.running(outcome, name: "web-1 (325)", timeoutSeconds: 60)
            }
        }
        let running = try ComputeCommandWait.running(
            .reached(compute()), name: "web-1 (325)", timeoutSeconds: 60)
        #expect(running == compute())
    }
}

@Suite("SSH public keys for a create")
struct ComputeCommandKeysTests {
    /// Runs `body` with a new home folder that has an empty `.ssh` and is removed afterwards.
    private func withHome(_ body: (String) throws -> Void) throws {
        let home = NSTemporaryDirectory() + "strettch-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: home + "/.ssh", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: home) }  // left behind, it harms nobody
        try body(home)
    }

    private func write(_ text: String, _ path: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path))
    }

    @Test("without a name the user's own are taken, in order")
    func own() throws {
        try withHome { home in
            try write("ssh-rsa B\n", home + "/.ssh/id_rsa.pub")
            try write("# mine\n\nssh-ed25519 A \r\n", home + "/.ssh/id_ed25519.pub")
            try write("ssh-rsa C\n", home + "/.ssh/other.pub")
            try write("-----BEGIN OPENSSH PRIVATE KEY-----\n", home + "/.ssh/id_rsa")
            #expect(try ComputeCommandKeys.read(files: [], home: home) == ["ssh-ed25519 A", "ssh-rsa B"])
            #expect(
                try ComputeCommandKeys.read(files: [home + "/.ssh/other.pub"], home: home) == ["ssh-rsa C"])
        }
    }

    @Test("a private key is never sent")
    func privateKey() throws {
        try withHome { home in
            let path = home + "/.ssh/id_rsa"
            try write("-----BEGIN OPENSSH PRIVATE KEY-----\n", path)
            let error = #expect(throws: CommandFailure.self) {
                try ComputeCommandKeys.read(files: [path], home: home)
            }
            #expect(error?.message.contains("Name \(path).pub instead.") == true)
        }
    }

    @Test("no key at all is an error that says how to make one")
    func none() throws {
        try withHome { home in
            let error = #expect(throws: CommandFailure.self) {
                try ComputeCommandKeys.read(files: [], home: home)
            }
            #expect(error?.message.contains("ssh-keygen -t ed25519") == true)
            try write("# nothing\n", home + "/empty")
            #expect(throws: CommandFailure.self) {
                try ComputeCommandKeys.read(files: [home + "/empty"], home: home)
            }
            #expect(throws: CommandFailure.self) {
                try ComputeCommandKeys.read(files: [home + "/absent"], home: home)
            }
        }
    }
}

@Suite("Finding a compute by name")
struct ComputeCommandFindTests {
    private let computes = [
        compute(id: "1", name: "web"), compute(id: "2", name: "db"), compute(id: "3", name: "DB"),
    ]

    @Test("the only one of that name is found, in any case")
    func only() throws { #expect(try ComputeCommandFind.only("WEB", in: computes).id == "1") }

    @Test("two of one name are a conflict that lists their ids")
    func two() {
        let error = #expect(throws: CommandFailure.self) { try ComputeCommandFind.only("db", in: computes) }
        #expect(error?.exit == .conflict)
        #expect(error?.message == #"2 computes are called "db": 2 (RUNNING), 3 (RUNNING). Give the id."#)
    }

    @Test("none is not found")
    func none() {
        let error = #expect(throws: CommandFailure.self) { try ComputeCommandFind.only("we", in: computes) }
        #expect(error?.exit == .notFound)
    }
}

@Suite("strettch compute ssh")
struct ComputeSSHCommandTests {
    @Test("the public address goes before the endpoint, and that before the private address")
    func order() throws {
        let all = try #require(SSHTarget(compute(ipv4: "195.15.0.73", sshEndpoint: "127.0.0.1:2201")))
        #expect(all.host == "195.15.0.73")
        #expect(all.port == nil)
        let endpoint = try #require(SSHTarget(compute(sshEndpoint: "127.0.0.1:2201")))
        #expect(endpoint.host == "127.0.0.1")
        #expect(endpoint.port == "2201")
        let own = try #require(SSHTarget(compute()))
        #expect(own.host == "10.0.0.5")
        #expect(own.isPrivate)
        #expect(SSHTarget(compute(privateIpv4: nil)) == nil)
    }

    @Test("host keys are remembered for each compute apart")
    func arguments() throws {
        let target = try #require(SSHTarget(compute(sshEndpoint: "127.0.0.1:2201")))
        #expect(
            target.arguments(
                knownHosts: "/home/a b/100%/325", identity: "id", command: ["uname", "-a"]) == [
                    "ssh", "-o", "StrictHostKeyChecking=accept-new",
                    "-o", "UserKnownHostsFile=\"/home/a b/100%%/325\"",
                    "-o", "HostKeyAlias=strettch-325-20240115100000",
                    "-i", "id", "-p", "2201", "root@127.0.0.1", "--", "uname", "-a",
                ])
    }

    @Test("an address that would be an option of ssh is none")
    func option() { #expect(SSHTarget(compute(ipv4: "-oProxyCommand=x")) == nil) }

    @Test("what follows -- is the command")
    func parsing() throws {
        let command = try ComputeSSHCommand.parse(["web", "-i", "key", "--", "ls", "-l"])
        #expect(command.command == ["ls", "-l"])
        #expect(command.identity == "key")
        #expect(throws: (any Error).self) { try ComputeSSHCommand.parse(["web", "ls"]) }
    }
}

@Suite("strettch compute delete")
struct ComputeDeleteCommandTests {
    @Test("the question names all that would go")
    func question() {
        let computes = [compute(), compute(id: "7", name: "db")]
        #expect(ComputeDeleteCommand.question(computes) == "Destroy web-1 (325), db (7) for good?")
    }
}
