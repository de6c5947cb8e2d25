import CloudCore
import Testing

@Suite("A compute whose host is lost")
struct EvacuationRuleTests {
    private let network: IPv4Network

    init() throws { network = try #require(IPv4Network("10.0.0.0/22")) }

    private func compute(
        _ step: ComputeStep, _ state: ComputeState = .running, _ intent: ComputeIntent = .running,
        _ action: ComputeAction = .keep
    ) -> Compute {
        Compute(
            id: 1, teamId: 1, hostName: "a", state: state, intent: intent, image: "TINY-1",
            specification: "S-1C",
            region: "KGL-1", vcpus: 1, memoryMb: 1, storageGb: 1, publicKeys: [], tags: [],
            network: network, createdAtMs: 1, updatedAtMs: 1,
            job: Job(action, step, sinceMs: 1))
    }

    @Test(
        "goes on with the same action, whatever step it was at, and at one that needs nothing there but the disk"
    )
    func steps() {
        for step in ComputeStep.allCases {
            for hasImage in [true, false] {
                let elsewhere = compute(step).stepElsewhere(hasImage: hasImage)
                #expect(![.network, .boot, .confirm].contains(elsewhere), "\(step)")
                #expect(hasImage || elsewhere != .disk)
                for action in ComputeAction.allCases where action.steps.contains(step) {
                    #expect(action.steps.contains(elsewhere), "\(action) at \(step)")
                }
            }
        }
    }

    @Test("needs its disk from the moment that it is finished to the one that it is erased")
    func disk() {
        let without = ComputeStep.allCases.filter { compute($0).needsNoDisk }
        #expect(without == [.image, .disk, .release, .done])
    }

    @Test("is started again if it ran and nobody wants it otherwise, and in no other case")
    func startsAgain() {
        for state in ComputeState.allCases {
            for intent in ComputeIntent.allCases {
                for action in ComputeAction.allCases {
                    let ran = state == .running && intent == .running && action == .keep
                    #expect(compute(.idle, state, intent, action).ranUndisturbed == ran)
                }
            }
        }
        #expect(!compute(.confirm, .starting, .running, .start).ranUndisturbed)
    }
}
