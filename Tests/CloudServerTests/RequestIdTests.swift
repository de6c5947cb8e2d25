import FoundationEssentials
import HTTPTypes
import Testing

@testable import CloudServer

@Suite("Ids of requests")
struct RequestIdTests {
    @Test("each is another random UUID in lower case")
    func made() {
        let ids = (0..<1000).map { _ in RequestId.make() }
        #expect(Set(ids).count == ids.count)
        for id in ids {
            #expect(UUID(uuidString: id)?.uuidString.lowercased() == id)
            // Version 4 and variant 10 (RFC 9562, sections 4.1 and 4.2).
            #expect(id.dropFirst(14).first == "4" && "89ab".contains(id.dropFirst(19).prefix(1)))
        }
    }

    @Test("all bits but those of version and variant are the random ones, in their order")
    func bits() {
        #expect(
            RequestId.text(0x0123_4567_89ab_fdef, 0x3123_4567_89ab_cdef)
                == "01234567-89ab-4def-b123-456789abcdef")
        #expect(RequestId.text(0, 0) == "00000000-0000-4000-8000-000000000000")
        #expect(RequestId.text(.max, .max) == "ffffffff-ffff-4fff-bfff-ffffffffffff")
    }
}
