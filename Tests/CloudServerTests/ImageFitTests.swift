import CloudControl
import CloudCore
import CloudServer
import CloudTesting
import HTTPTypes
import Testing

@Suite("An image that is larger than the disk")
struct ImageFitTests {
    @Test(
        "is refused by the create and by its dry run, with the remedy; one that fits, or is not known, is not"
    )
    func refused() async throws {
        try await TestCloud.with { test in
            let request = ComputeRequest(
                hostName: "web", image: "TINY-1", region: "KGL-1", specification: "S-1C-1G",
                publicKeys: [TestCloud.publicKey])
            let specification = try #require(test.cloud.catalogue.specification("S-1C-1G"))
            let (fits, room) = (Int64(specification.storageGb) << 30, specification.storageGb)
            // What this program's host knows, and what the catalogue says.
            for (bytes, minStorageGb, isRefused) in [
                (Int64?.none, Int?.none, false), (fits, room, false), (fits + 1, nil, true),
                (nil, room + 1, true),
                (fits, room + 1, true),
            ] {
                var cloud = test.cloud
                cloud.imageBytes = { $0 == "TINY-1" ? bytes : nil }
                let index = try #require(cloud.catalogue.images.firstIndex { $0.image == "TINY-1" })
                cloud.catalogue.images[index].minStorageGb = minStorageGb
                let quote = QuoteCompute(
                    request, caller: Caller(keyId: 1, teamId: 1, role: .owner), requestId: "r")
                guard isRefused else {
                    _ = try await quote.run(in: cloud)
                    continue
                }
                let error = await #expect(throws: CloudError.self) { try await quote.run(in: cloud) }
                #expect(
                    error?.code == .unprocessableEntity && error?.problems.first?.field == "specification")
                #expect(error?.message.contains("Choose a larger specification") == true)
            }
        }
    }
}
