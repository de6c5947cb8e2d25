import Testing

@testable import CloudDatabase

@Suite("The digests that are kept of a request")
struct RequestDigestTests {
    private static let key = "00000000-0000-4000-8000-000000000001"

    private static func digest(_ members: [String: String], endpoint: String = "POST /computes")
        -> RequestDigest
    {
        RequestDigest(of: members, teamId: 7, endpoint: endpoint, key: key)
    }

    @Test("are the same in every version, since rows of earlier ones are compared with them")
    func golden() {
        // printf '7\nPOST /computes\n%s\nhostName\n"web-1"' "$key" | openssl dgst -sha256 -binary | head -c 16 | base64
        #expect(
            Self.digest(["tags": "[\"a\",\"b\"]", "hostName": "\"web-1\"", "userData": "\"\u{fc}\\n\""]).text
                == #"{"hostName":"fD7sOziR00g8PlP0qluV+w==","tags":"nZk68M2QhQJFUB/hI93qnA==","userData":"kpr90gPEhpNQlt5bNXayyg=="}"#
        )
        #expect(Self.digest([:]).text == "{}")
        #expect(RequestDigest() == Self.digest([:]))
    }

    @Test("name the members that differ")
    func differences() throws {
        let first = Self.digest(["a": "1", "b": "2", "c": "3"])
        let kept = RequestDigest(text: first.text)
        #expect(try Self.digest(["c": "3", "b": "2", "a": "1"]).differences(from: kept) == [])
        #expect(try Self.digest(["a": "1", "b": "3", "d": "4"]).differences(from: kept) == ["b", "c", "d"])
        #expect(
            try Self.digest(["a": "1"], endpoint: "PATCH /computes/1").differences(
                from: Self.digest(["a": "1"]))
                == ["a"])
        // Also as an earlier version has written it.
        #expect(try first.differences(from: RequestDigest(text: " " + first.text)) == [])
        #expect(throws: (any Error).self) { try first.differences(from: RequestDigest(text: "nothing")) }
    }
}
