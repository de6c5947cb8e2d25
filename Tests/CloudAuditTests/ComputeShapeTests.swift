import CloudCore
import Testing

@testable import CloudAudit

@Suite("What states, intents, actions and steps go together")
struct ComputeShapeTests {
    private static let possible: [ComputeShape] = ComputeState.allCases.flatMap { state in
        ComputeIntent.allCases.flatMap { intent in
            ComputeAction.allCases.flatMap { action in
                ComputeStep.allCases.map { ComputeShape(state, intent, action, $0) }.filter(\.isPossible)
            }
        }
    }

    @Test("whatever is accepted of a compute that is as it can be leaves one that is as it can be")
    func closed() throws {
        var accepted = 0
        for shape in Self.possible {
            let compute = try Self.compute(shape)
            for action in ComputeAction.asked {
                guard case .accepted(let state) = action.verdict(on: compute) else { continue }
                accepted += 1
                let next = ComputeShape(
                    action.intent == nil ? shape.state : state, action.intent ?? shape.intent,
                    action.steps.isEmpty ? shape.action : action, shape.step)
                #expect(next.isPossible, "\(action) of \(shape) leads to \(next)")
            }
        }
        #expect(accepted > 50)
    }

    @Test(
        "every step that an action walks is possible in the state that it is accepted with, and no step of others"
    )
    func walks() {
        for action in ComputeAction.asked where action != .create && action != .update {
            for state in ComputeState.allCases {
                guard case .accepted(let shown) = action.verdict(in: state) else { continue }
                let intent = action.intent ?? .stopped
                for step in action.steps {
                    #expect(
                        ComputeShape(shown, intent, action, step).isPossible,
                        "\(action) in \(shown) at \(step)")
                }
            }
        }
        #expect(!ComputeShape(.running, .running, .keep, .boot).isPossible)
        #expect(!ComputeShape(.creating, .running, .create, .idle).isPossible)
        #expect(!ComputeShape(.destroyed, .destroyed, .gone, .release).isPossible)
        #expect(!ComputeShape(.stopped, .running, .keep, .idle).isPossible)
    }

    private static func compute(_ shape: ComputeShape) throws -> Compute {
        Compute(
            id: 1, teamId: 1, hostName: "a", state: shape.state, intent: shape.intent, image: "",
            specification: "",
            region: "", vcpus: 1, memoryMb: 1, storageGb: 1, publicKeys: [], tags: [],
            network: try #require(IPv4Network("10.0.0.0/22")), createdAtMs: 0, updatedAtMs: 0,
            job: Job(shape.action, shape.step, sinceMs: 0))
    }
}
