import CloudTesting
import HTTPTypes
import Testing

@Suite("GET and DELETE /computes")
struct ReadAndDeleteTests {
    @Test("a compute becomes RUNNING, and then nothing is being done to it")
    func running() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            let answer = try await cloud.send(.get, "/computes/\(id)")
            #expect(answer.data?["state"]?.string == "RUNNING")
            #expect(answer.data?["task"] == nil)
        }
    }

    @Test("the list is newest first, in pages, without other teams' computes")
    func pages() async throws {
        try await TestCloud.with { cloud in
            for _ in 0..<3 { _ = try await cloud.create() }
            _ = try await cloud.create(as: .stranger)
            let first = try await cloud.send(.get, "/computes?limit=2")
            let second = try await cloud.send(.get, "/computes?limit=2&page=2")
            let ids = [first, second].map { $0.data?.array?.compactMap { $0["id"]?.string } ?? [] }
            #expect(ids == [["3", "2"], ["1"]])
            #expect(second.json["meta"]?["total"]?.number == 3)
            #expect(second.json["meta"]?["page"]?.number == 2)
            #expect(second.json["meta"]?["limit"]?.number == 2)
        }
    }

    @Test(
        "a page or limit out of range is 400",
        arguments: [
            "page=0", "page=-1", "page=x", "page=1.0", "limit=0", "limit=101", "limit=",
            "page=99999999999999999999",
        ])
    func badPage(_ query: String) async throws {
        try await TestCloud.with { cloud in
            let answer = try await cloud.send(.get, "/computes?\(query)")
            #expect(answer.status == 400)
            #expect(answer.code == "BAD_REQUEST")
            #expect(answer.fields == [String(query.prefix { $0 != "=" })])
        }
    }

    @Test("another team's compute is 404, to look at and to delete")
    func strangers() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            #expect(try await cloud.send(.get, "/computes/\(id)", as: .stranger).code == "RESOURCE_NOT_FOUND")
            #expect(
                try await cloud.send(.delete, "/computes/\(id)", as: .stranger).code == "RESOURCE_NOT_FOUND")
            #expect(try await cloud.state(id) == "RUNNING")
        }
    }

    @Test("an id that is no number is 400", arguments: ["abc", "1e3", "-1", "0x1", "9999999999999999999"])
    func badId(_ id: String) async throws {
        try await TestCloud.with { cloud in
            let answer = try await cloud.send(.get, "/computes/\(id)")
            #expect(answer.code == "BAD_REQUEST")
        }
    }

    @Test("deleting twice answers 202 while it goes, and 404 once it is gone")
    func deleteTwice() async throws {
        try await TestCloud.with { cloud in
            let id = try await cloud.createAndSettle()
            for _ in 0..<2 {
                let answer = try await cloud.send(.delete, "/computes/\(id)")
                #expect(answer.status == 202)
                #expect(answer.data?["state"]?.string == "DESTROYING")
            }
            try await cloud.settle()
            #expect(try await cloud.send(.delete, "/computes/\(id)").status == 404)
            #expect(try await cloud.send(.get, "/computes/\(id)").status == 404)
            #expect(try await cloud.send(.get, "/computes").data?.array?.isEmpty == true)
        }
    }
}
