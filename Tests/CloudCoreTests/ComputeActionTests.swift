import CloudCore
import Testing

@Suite("What each state allows")
struct ComputeActionTests {
    /// The table once more, as the documentation tells it: action, and the states that accept it.
    static let accepted: [(ComputeAction, [ComputeState: ComputeState])] = [
        (.create, [:]),
        (.start, [.stopped: .starting]),
        (.stop, [.running: .running, .starting: .starting, .rebooting: .rebooting]),
        (.reboot, [.running: .rebooting]),
        (.upsize, [.stopped: .stopped]),
        (
            .update,
            [
                .creating: .creating, .running: .running, .stopped: .stopped, .starting: .starting,
                .rebooting: .rebooting,
            ]
        ),
        (
            .delete,
            [
                .creating: .destroying, .running: .destroying, .stopped: .destroying, .starting: .destroying,
                .rebooting: .destroying, .failed: .destroying,
            ]
        ),
    ]

    @Test("the table accepts what the documentation says, and nothing else", arguments: accepted)
    func table(_ action: ComputeAction, _ accepted: [ComputeState: ComputeState]) {
        for state in ComputeState.allCases {
            let expected: ComputeAction.Verdict =
                switch (action, state) {
                case (.upsize, .running), (.upsize, .starting), (.upsize, .rebooting): .running
                case (.delete, .destroying): .repeated
                default: accepted[state].map { .accepted($0) } ?? .conflict
                }
            #expect(action.verdict(in: state) == expected, "\(action) in \(state)")
        }
    }

    @Test("an action goes before whatever an earlier one waits for, and goes on with steps they share")
    func preemption() {
        #expect(ComputeAction.delete.step(from: .image) == .halt)
        #expect(ComputeAction.delete.step(from: .erase) == .erase)
        #expect(ComputeAction.delete.step(from: .done) == .halt)
        #expect(ComputeAction.stop.step(from: .confirm) == .shutdown)
        #expect(ComputeAction.stop.step(from: .stopping) == .stopping)
        #expect(ComputeAction.start.step(from: .idle) == .resize)
        #expect(ComputeAction.update.step(from: .idle) == .idle)
    }

    @Test("an upsize makes larger in at least one size and smaller in none")
    func upsize() throws {
        func specification(_ vcpus: Int, _ memoryMb: Int, _ storageGb: Int) -> Specification {
            Specification(
                id: "", specification: "S", vcpus: vcpus, memoryMb: memoryMb, storageGb: storageGb,
                priceMonthMilliRwf: 0)
        }
        let present = try compute(specification(2, 2048, 40))
        #expect(specification(4, 4096, 80).upsizeProblem(from: present) == nil)
        #expect(specification(2, 2048, 41).upsizeProblem(from: present) == nil)
        #expect(specification(2, 2048, 40).upsizeProblem(from: present)?.contains("no larger") == true)
        #expect(specification(4, 4096, 20).upsizeProblem(from: present)?.contains("20 GB of storage") == true)
        #expect(specification(1, 4096, 80).upsizeProblem(from: present)?.contains("1 vCPUs") == true)
    }

    @Test(
        "user data is what cloud-init knows, and bounded",
        arguments: [
            ("#cloud-config\n", nil), ("#!/bin/sh\ntrue\n", nil), ("", "is empty"), ("hello", "begins with"),
            ("#!\u{0}", "zero byte"), ("\u{FEFF}\n #!/bin/sh", nil), ("#Include http://a\r\n", nil),
            ("MIME-Version: 1.0\n\n#!/bin/sh", nil), ("From a\nX: y\nmime-version: 1.0\n\n#!", nil),
            ("hello\nMIME-Version: 1.0\n", "begins with"), ("#upstart-job", "begins with"),
            (" ", "begins with"),
            ("IyEvYmluL3No", nil), ("aGVsbG8=", "begins with"), ("H4sIAAAA", "cut short or damaged"),
            ("IyH/", "not UTF-8"), ("#!" + String(repeating: "x", count: 16383), "at most 16384"),
        ] as [(String, String?)])
    func userData(_ text: String, _ problem: String?) {
        let found = UserData.problem(text)
        #expect((found == nil) == (problem == nil))
        if let problem { #expect(found?.contains(problem) == true, "\(found ?? "")") }
    }

    private func compute(_ size: Specification) throws -> Compute {
        Compute(
            id: 1, teamId: 1, hostName: "a", state: .stopped, intent: .stopped, image: "I",
            specification: size.specification, region: "R", vcpus: size.vcpus, memoryMb: size.memoryMb,
            storageGb: size.storageGb, publicKeys: [], tags: [],
            network: try #require(IPv4Network("10.0.0.0/22")), createdAtMs: 0, updatedAtMs: 0,
            job: Job(.keep, .idle, sinceMs: 0))
    }
}
