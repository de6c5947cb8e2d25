import ArgumentParser
import CloudWire
import Testing

@testable import strettch

@Suite("Images, specifications and regions from the command line")
struct CatalogueCommandTests {
    @Test("lists are tables")
    func lists() {
        #expect(
            OutputCatalogue.specifications([
                SpecificationWire(id: "x", specification: "S-1C", vcpus: 1, memoryMb: 512, storageGb: 10)
            ]) == """
                SLUG  VCPUS  MEMORY  STORAGE
                S-1C  1      512 MB  10 GB
                """)
        #expect(
            OutputCatalogue.regions([
                RegionWire(id: 1, region: "KGL-1", name: "Kigali-1", countryCode: "RW")
            ]) == """
                SLUG   NAME      COUNTRY
                KGL-1  Kigali-1  RW
                """)
    }

    @Test("a slug that is not given is the only one that there is, or is asked for with all of them")
    func chosen() throws {
        #expect(try ComputeCreateSlugs.only(of: ["KGL-1"], .region) == "KGL-1")
        let several = #expect(throws: CommandFailure.self) {
            try ComputeCreateSlugs.only(of: ["S-1C", "S-2C"], .specification)
        }
        #expect(several?.exit == .usage)
        #expect(
            several?.message
                == "There are 2 specifications: S-1C, S-2C. Choose one with --specification.")
        let none = #expect(throws: CommandFailure.self) {
            try ComputeCreateSlugs.only(of: [], .image)
        }
        #expect(none?.exit == .notFound)
    }

    static let distances = [
        ("", "", 0), ("a", "", 1), ("", "ab", 2), ("tiny-1", "TINY-1", 0), ("TINY", "TINY-1", 2),
        ("UBUNTU-2404", "UBUNTU-24.04", 1), ("kitten", "sitting", 3),
    ]

    @Test("how far a slug is from another is counted in letters", arguments: distances)
    func distance(_ one: String, _ other: String, _ expected: Int) {
        #expect(ComputeCreateSlugs.distance(one, other) == expected)
        #expect(ComputeCreateSlugs.distance(other, one) == expected)
    }

    @Test("those that exist are proposed, the nearest first")
    func unknown() {
        let names = ["DEBIAN-12", "UBUNTU-22.04", "UBUNTU-24.04"]
        #expect(
            ComputeCreateSlugs.unknown("ubuntu-2404", of: names)
                == "'ubuntu-2404' does not exist. Did you mean 'UBUNTU-24.04'? There are: UBUNTU-24.04, UBUNTU-22.04, "
                + "DEBIAN-12.")
        #expect(
            ComputeCreateSlugs.unknown("WINDOWS", of: ["KGL-1", "KGL-2"])
                == "'WINDOWS' does not exist. There are: KGL-1, KGL-2.")
    }

    @Test("the former names of the commands on the server's machine work, and say their new ones")
    func moved() async throws {
        #expect(
            ImageMovedCommand<AdminImagePullCommand>.hint
                == "'strettch image pull' is now 'strettch admin image pull'. The former name ends with the next release."
        )
        let parsed = try ImageMovedCommand<AdminImageImportCommand>.parse(
            ["TINY-1", "disk.img", "--data", "d"])
        #expect((parsed.command.slug, parsed.command.file) == ("TINY-1", "disk.img"))
        #expect(parsed.command.options.data.data == "d")
        for name in ["pull", "build", "verify"] {
            let run = try await ProgramRun.of(["image", name, "NONE", "--data", "/nonexistent"])
            #expect(run.status == ProgramExit.notFound.rawValue, "\(run.error)")
            #expect(run.error.hasPrefix("'strettch image \(name)' is now"), "\(run.error)")
            #expect(run.error.contains("There is no image 'NONE'"), "\(run.error)")
        }
    }

    @Test("a create takes what there is only one of, and proposes what exists")
    func create() async throws {
        try await RealCloud.with(simulated: true) { cloud in
            let home = ["HOME": cloud.folder, "STRETTCH_CREDENTIALS": "\(cloud.folder)/credentials.json"]
            for (words, row) in [
                (["region", "list"], "KGL-1  Kigali-1  RW"),
                (["specification", "list"], "S-1C       1      512 MB    10 GB"),
                (["image", "list"], "TINY-1        public  Tiny 1                READY  -"),
            ] {
                let listed = try await ProgramRun.of(words, environment: home)
                #expect(listed.status == 0, "\(listed.error)")
                #expect(listed.output.split(separator: "\n").contains(Substring(row)), "\(listed.output)")
                let json = try await ProgramRun.of(words + ["--json"], environment: home)
                #expect(json.output.hasPrefix("["), "\(json.error)")
            }
            try await GuestLogin(privateKey: cloud.privateKey).make()
            let create = ["compute", "create", "one", "--key", "\(cloud.privateKey).pub", "--image"]
            let several = try await ProgramRun.of(create + ["TINY-1"], environment: home)
            #expect(several.status == ProgramExit.usage.rawValue, "\(several.error)")
            #expect(several.error.contains("There are 7 specifications: S-1C, "), "\(several.error)")
            let wrong = try await ProgramRun.of(
                create + ["TINY1", "--specification", "S-1C"], environment: home)
            #expect(wrong.status == ProgramExit.notFound.rawValue)
            #expect(wrong.error.contains("Did you mean 'TINY-1'? There are: TINY-1, "), "\(wrong.error)")
            let made = try await ProgramRun.of(
                create + ["TINY-1", "--specification", "S-1C", "--json"], environment: home)
            #expect(made.output.contains(#""region" : "KGL-1""#), "\(made.error)")
        }
    }
}
