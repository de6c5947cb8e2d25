import Testing

@testable import CloudCore

@Suite("What is kept booted ahead")
struct WarmGoalTests {
    private let catalogue = Catalogue(
        regions: [],
        images: ["TINY-1", "DEBIAN-12"].map {
            Image(image: $0, imageName: $0, version: "1", displayName: "1", source: .build(recipe: "tiny"))
        },
        specifications: [
            Specification(
                id: "8d4c", specification: "S-1C", vcpus: 1, memoryMb: 512, storageGb: 10,
                priceMonthMilliRwf: 1)
        ])

    @Test("goals are image, specification and count, with commas")
    func list() throws {
        let goals = try WarmGoal.list(" TINY-1/S-1C = 2, DEBIAN-12/S-1C=1", in: catalogue)
        #expect(goals.map(\.image.image) == ["TINY-1", "DEBIAN-12"])
        #expect(goals.map(\.specification.specification) == ["S-1C", "S-1C"])
        #expect(goals.map(\.count) == [2, 1])
        #expect(goals[0].resources == Resources(vcpus: 2, memoryMb: 1024, storageGb: 20))
        #expect(try WarmGoal.list("", in: catalogue).isEmpty)
    }

    @Test(
        "what is no goal is told with the remedy",
        arguments: [
            ("TINY-1", "'TINY-1' is not valid. Give IMAGE/SPECIFICATION=COUNT"),
            (",", "'' is not valid."), ("TINY-1/S-1C=1,", "'' is not valid."),
            ("TINY-1/S-1C=1,,DEBIAN-12/S-1C=1", "'' is not valid."),
            ("TINY-1//S-1C=1", "'TINY-1//S-1C=1' is not valid."),
            ("TINY-1/S-1C=0", "'TINY-1/S-1C=0' is not valid."), ("TINY-1/S-1C=101", "with 1 to 100 guests"),
            (
                "NONE/S-1C=1",
                "names the image 'NONE', which is not in the catalogue. Give one of TINY-1, DEBIAN-12."
            ),
            (
                "TINY-1/S-9=1",
                "names the specification 'S-9', which is not in the catalogue. Give one of S-1C."
            ),
            ("TINY-1/S-1C=60,DEBIAN-12/S-1C=60", "asks for 120 guests. Keep at most 100 on a host."),
        ])
    func problems(_ text: String, _ words: String) {
        let error = #expect(throws: CloudError.self) { try WarmGoal.list(text, in: catalogue) }
        #expect(Set(error?.problems.map(\.field) ?? []) == ["warm"])
        #expect(error?.problems.first?.message.contains(words) == true)
    }

    @Test("all problems are told together")
    func together() {
        let error = #expect(throws: CloudError.self) { try WarmGoal.list("A/B=1,C", in: catalogue) }
        #expect(error?.problems.count == 3)
    }
}
