import CloudCore
import CloudTesting
import Testing

@testable import CloudMachines

@Suite("The catalogue file")
struct ImagesCatalogueTests {
    @Test("the built-in catalogue is the API reference's")
    func builtIn() throws {
        let catalogue = try CatalogueFile.builtIn()
        #expect(catalogue.regions == [Region(id: 1, region: "KGL-1", name: "Kigali-1", countryCode: "RW")])
        #expect(catalogue.images.map(\.image) == ["UBUNTU-24.04", "UBUNTU-22.04", "DEBIAN-12", "TINY-1"])
        #expect(catalogue.image("UBUNTU-24.04")?.displayName == "24.04 LTS")
        #expect(catalogue.image("TINY-1")?.source == .build(recipe: "tiny"))
        #expect(
            catalogue.specifications.map { "\($0.specification) \($0.vcpus) \($0.memoryMb) \($0.storageGb)" }
                == [
                    "S-1C 1 512 10", "S-1C-1G 1 1024 20", "S-1C-2G 1 2048 40", "S-2C-4G 2 4096 80",
                    "S-4C-8G 4 8192 160", "S-8C-16G 8 16384 320", "S-16C-32G 16 32768 640",
                ])
        #expect(catalogue.specifications.first?.priceMonthMilliRwf == 3_999_000)
        for (step, next) in zip(catalogue.specifications, catalogue.specifications.dropFirst()) {
            #expect(next.priceMonthMilliRwf == 2 * step.priceMonthMilliRwf)
        }
    }

    private static let valid = """
        regions:
          - {id: 1, region: KGL-1, name: Kigali-1, countryCode: RW}
        images:
          - {image: A-1, imageName: A, version: "1", displayName: "1", build: tiny}
        specifications:
          - {id: 6F1D2B8E-0C3A-4E57-9A41-5B7E3C9D1A01, specification: S, vcpus: 1, memoryMb: 512, storageGb: 10, priceMonthRwf: 5}
        """

    @Test("a valid file is read, its UUIDs in lower case")
    func validFile() throws {
        let catalogue = try CatalogueFile.read(Self.valid)
        #expect(catalogue.specifications.first?.id == "6f1d2b8e-0c3a-4e57-9a41-5b7e3c9d1a01")
        #expect(catalogue.specifications.first?.priceMonthMilliRwf == 5000)
        #expect(catalogue.images.first?.minStorageGb == nil)
        let text = Self.valid.replacing("build: tiny", with: "build: tiny, minStorageGb: 4")
        #expect(try CatalogueFile.read(text).images.first?.minStorageGb == 4)
    }

    @Test(
        "each mistake is told with its place and value",
        arguments: [
            ("id: 1,", "id: 0,", "regions[0].id", "\"0\""),
            ("KGL-1,", "kgl 1,", "regions[0].region", "\"kgl 1\""),
            ("RW", "rwa", "regions[0].countryCode", "\"rwa\""),
            ("name: Kigali-1, ", "", "regions[0].name", "missing"),
            ("name:", "nom:", "regions[0].nom", "not known"),
            ("A-1", "../A", "images[0].image", "\"../A\""),
            ("build: tiny", "build: beos", "images[0].build", "\"beos\""),
            ("build: tiny", "build: tiny, format: raw", "images[0].format", "goes with url"),
            (", build: tiny", "", "images[0]", "neither url nor build"),
            ("build: tiny", "build: tiny, minStorageGb: 0", "images[0].minStorageGb", "\"0\""),
            ("build: tiny", "build: tiny, url: \"https://a/b\"", "images[0]", "both url and build"),
            (
                "build: tiny", "url: \"https://a/b\", format: qcow2", "images[0]",
                "neither sha256 nor checksums"
            ),
            ("build: tiny", "url: \"https://a/b\", format: vdi, sha256: aa", "images[0].format", "\"vdi\""),
            ("build: tiny", "url: \"https://a/b\", format: raw, sha256: aa", "images[0].sha256", "\"aa\""),
            (
                "build: tiny", "url: \"file:///etc/passwd\", format: raw, checksums: \"https://a/b\"",
                "images[0].url", "file:///etc/passwd"
            ),
            (
                "build: tiny", "url: \"https://a/b\", format: raw, checksums: \"http://a/b\"",
                "images[0].checksums", "not HTTPS"
            ),
            ("6F1D2B8E", "6F1D2B8", "specifications[0].id", "6F1D2B8-"),
            ("vcpus: 1", "vcpus: -1", "specifications[0].vcpus", "\"-1\""),
            ("memoryMb: 512", "memoryMb: 0", "specifications[0].memoryMb", "\"0\""),
            ("storageGb: 10", "storageGb: ten", "specifications[0].storageGb", "\"ten\""),
            ("priceMonthRwf: 5", "priceMonthRwf: 5.5", "specifications[0].priceMonthRwf", "\"5.5\""),
        ])
    func mistake(_ old: String, _ new: String, field: String, words: String) throws {
        let text = Self.valid.replacing(old, with: new, maxReplacements: 1)
        let error = try #require(throws: CloudError.self) { try CatalogueFile.read(text) }
        #expect(error.code == .validationError)
        #expect(
            error.problems.contains { $0.field == field && $0.message.contains(words) }, "\(error.problems)")
    }

    @Test("all mistakes are told together, doubles among them")
    func together() throws {
        let text = """
            regions:
              - {id: 1, region: KGL-1, name: Kigali-1, countryCode: RW}
              - {id: 1, region: KGL-1, name: Kigali-2, countryCode: R}
            images: []
            more: 1
            """
        let error = try #require(throws: CloudError.self) { try CatalogueFile.read(text) }
        #expect(
            Set(error.problems.map(\.field)) == [
                "more", "images", "specifications", "regions[1].countryCode", "regions[1].id",
                "regions[1].region",
            ])
    }

    @Test("what is no YAML, no mapping or no file is told as such")
    func unreadable() throws {
        #expect(throws: CloudError.self) { try CatalogueFile.read("a: [") }
        #expect(throws: CloudError.self) { try CatalogueFile.read("") }
        let error = try #require(throws: CloudError.self) { try CatalogueFile.read(path: "/nowhere.yaml") }
        #expect(error.message.contains("/nowhere.yaml"))
    }
}
