import Testing

@testable import CloudTesting

@Suite("An exchange with bodies that are no JSON")
struct OpenAPIBinaryTests {
    private static func document(_ type: String, _ schema: String) -> String {
        """
        {"openapi":"3.1.0","servers":[{"url":"/api/v1"}],"paths":{"/images/{slug}/content":{"put":{
          "parameters":[{"name":"slug","in":"path","required":true,"schema":{"type":"string"}}],
          "requestBody":{"required":true,"content":{"\(type)":{"schema":\(schema)}}},
          "responses":{"200":{"content":{"application/octet-stream":{},"text/plain":
            {"schema":{"type":"string","pattern":"^[a-z]*$"}}}}}}}}}
        """
    }

    private func problems(
        of body: [UInt8], _ type: String = "application/octet-stream", answered answer: [UInt8] = [255],
        _ answerType: String = "application/octet-stream"
    ) throws -> [String] {
        let text = Self.document("application/octet-stream", #"{"maxLength":4}"#)
        return try OpenAPIDocument(parsing: text.utf8).check(
            OpenAPIExchange(
                method: "PUT", target: "/api/v1/images/a/content", requestHeaders: [("Content-Type", type)],
                requestBody: body, status: 200, responseHeaders: [("Content-Type", answerType)],
                responseBody: answer))
    }

    @Test("is checked by the type and number of its bytes, and a text as a string")
    func bytes() throws {
        #expect(try problems(of: [0, 255, 128, 10]) == [])
        #expect(try problems(of: Array("[1]".utf8)) == [])
        let faults: [([UInt8], String, [UInt8], String, String)] = [
            ([0, 1, 2, 3, 4], "application/octet-stream", [255], "application/octet-stream", "5 bytes"),
            ([], "application/octet-stream", [255], "application/octet-stream", "body: is missing"),
            ([0], "application/json", [255], "application/octet-stream", "application/json is not declared"),
            ([0], "application/octet-stream", [255], "text/plain", "is no UTF-8"),
            ([0], "application/octet-stream", [65], "text/plain", "body: "),
            ([0], "application/octet-stream", [65], "text/html", "text/html is not declared"),
        ]
        for (body, type, answer, answerType, says) in faults {
            let found = try problems(of: body, type, answered: answer, answerType)
            #expect(found.count == 1 && found.first?.contains(says) == true, "\(says): \(found)")
        }
        #expect(try problems(of: [0], answered: [97], "text/plain") == [])
    }

    @Test("has no rules in the document that nobody could check")
    func unusable() {
        let pattern = #"{"type":"string"}"#
        for (type, schema) in [("application/octet-stream", pattern), ("image/png", #"{"minLength":1}"#)] {
            #expect(throws: OpenAPIDocument.Unusable.self) {
                try OpenAPIDocument(parsing: Self.document(type, schema).utf8)
            }
        }
        let bare = Self.document("application/json", "true").replacing(#""schema":true"#, with: "")
        #expect(throws: OpenAPIDocument.Unusable.self) { try OpenAPIDocument(parsing: bare.utf8) }
    }
}
