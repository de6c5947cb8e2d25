import CloudCore
import Testing

@testable import CloudMachines

/// Every change that the making of an image makes goes wrong once, not made or made, as for a program that ends there; the next
/// one asks for the same again.
@Suite("Crash points of images of teams' own", .timeLimit(.minutes(5)))
struct ImageCrashTests {
    @Test("wherever a program ends, all comes out as if it had not")
    func crashes() async throws {
        try await ImageLab.with { lab in
            let stumbles = Stumbles()
            let bytes = try await lab.userFile(5)
            for effect in [HostEffect.markImage, .keepUpload] {
                for moment in HostEffect.Moment.allCases {
                    try await stumbles.meet(effect, moment) { try await lab.reopened().send(bytes) }
                    _ = try await lab.expectMade(lab.upload(bytes))
                    try await lab.host.eraseImage(lab.image)
                }
            }
            for effect in [HostEffect.dropHalfImage, .createImage, .publishImage] {
                for moment in HostEffect.Moment.allCases {
                    try await lab.send(bytes)
                    try await makes(lab, lab.upload(bytes), effect, moment, stumbles)
                }
            }
            _ = try await lab.makeMachine(5)
            for effect in [HostEffect.markImage, .createImage, .publishImage] {
                for moment in HostEffect.Moment.allCases {
                    try await makes(lab, .disk(machineId: 5, createdAtMs: 0), effect, moment, stumbles)
                }
            }
            #expect(Set(HostEffect.images).subtracting(stumbles.met).isEmpty)
        }
    }

    private func makes(
        _ lab: ImageLab, _ material: ImageMaterial, _ effect: HostEffect, _ moment: HostEffect.Moment,
        _ stumbles: Stumbles
    ) async throws {
        let made = try await stumbles.meet(effect, moment) {
            let lab = try await lab.reopened()
            switch try await lab.make(material) {
            case .made(let made): return made
            // The work is no call's, so a crash in it comes out as its end.
            case .failed, .working: throw Stumbles.Crash()
            }
        }
        try await lab.reopened().store.prepare(lab.cell(made))
        #expect(try await lab.has(5, try await lab.store.ready(lab.cell(made)).disk), "\(effect), \(moment)")
        let names = try MachineFiles.names(in: lab.imageFolder.path).sorted()
        #expect(names == ["current", "lock", "owner.json", String(made.content.prefix(16))].sorted())
        try await stumbles.meet(.eraseImage, moment) { try await lab.reopened().host.eraseImage(lab.image) }
        #expect(try await lab.host.imageIds() == [])
    }
}
