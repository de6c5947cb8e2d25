import CloudWire
import Testing

@testable import CloudTesting

/// A value that a keyword allows and one that it refuses.
private struct KeywordCase: Sendable, CustomTestStringConvertible {
    var keyword: SchemaKeyword
    var schema: String
    var valid: String
    var invalid: String
    var testDescription: String { "\(schema) refuses \(invalid)" }

    init(_ keyword: SchemaKeyword, _ schema: String, valid: String, invalid: String) {
        self.keyword = keyword
        self.schema = schema
        self.valid = valid
        self.invalid = invalid
    }
}

private let keywordCases = [
    KeywordCase(.reference, ##"{"$ref":"#/components/schemas/Word"}"##, valid: #""a""#, invalid: "1"),
    KeywordCase(.type, #"{"type":"integer"}"#, valid: "365.0", invalid: "1.5"),
    KeywordCase(.type, #"{"type":"integer"}"#, valid: "1", invalid: "true"),
    KeywordCase(.type, #"{"type":"boolean"}"#, valid: "false", invalid: "0"),
    KeywordCase(.type, #"{"type":["string","null"]}"#, valid: "null", invalid: "{}"),
    KeywordCase(.type, #"{"type":"object"}"#, valid: "{}", invalid: "[]"),
    KeywordCase(.const, #"{"const":true}"#, valid: "true", invalid: #""true""#),
    KeywordCase(.enumeration, #"{"enum":["A","B"]}"#, valid: #""B""#, invalid: #""C""#),
    KeywordCase(
        .format, #"{"format":"uuid"}"#, valid: #""F47AC10B-58cc-4372-a567-0e02b2c3d479""#,
        invalid: #""f47ac10b58cc4372a5670e02b2c3d479""#),
    KeywordCase(
        .format, #"{"format":"date-time"}"#, valid: #""2024-02-29T10:00:00Z""#,
        invalid: #""2023-02-29T10:00:00Z""#),
    KeywordCase(
        .format, #"{"format":"date-time"}"#, valid: #""2024-01-15T10:00:00.5+02:00""#,
        invalid: #""2024-01-15 10:00:00Z""#),
    KeywordCase(.pattern, #"{"pattern":"^[0-9]+$"}"#, valid: #""325""#, invalid: #""3a""#),
    KeywordCase(.pattern, #"{"pattern":"^[0-9]+$"}"#, valid: #""325""#, invalid: #""325\n""#),
    KeywordCase(.pattern, #"{"pattern":"^[0-9]+$"}"#, valid: #""325""#, invalid: #""x\n325""#),
    KeywordCase(.minLength, #"{"minLength":2}"#, valid: #""ab""#, invalid: #""a""#),
    KeywordCase(.maxLength, #"{"maxLength":2}"#, valid: #""ab""#, invalid: #""abc""#),
    KeywordCase(.minimum, #"{"minimum":1}"#, valid: "1", invalid: "0"),
    KeywordCase(.maximum, #"{"maximum":100}"#, valid: "100", invalid: "101"),
    KeywordCase(.minItems, #"{"minItems":1}"#, valid: "[1]", invalid: "[]"),
    KeywordCase(.maxItems, #"{"maxItems":1}"#, valid: "[1]", invalid: "[1,2]"),
    KeywordCase(.uniqueItems, #"{"uniqueItems":true}"#, valid: "[1,2]", invalid: "[1,1]"),
    KeywordCase(.items, #"{"items":{"type":"string"}}"#, valid: #"["a"]"#, invalid: #"["a",1]"#),
    KeywordCase(
        .properties, #"{"properties":{"a":{"type":"string"}}}"#, valid: #"{"b":1}"#, invalid: #"{"a":1}"#),
    KeywordCase(.required, #"{"required":["a"]}"#, valid: #"{"a":null}"#, invalid: #"{"b":1}"#),
    KeywordCase(
        .additionalProperties, #"{"properties":{"a":true},"additionalProperties":false}"#,
        valid: #"{"a":1}"#, invalid: #"{"a":1,"b":1}"#),
    KeywordCase(
        .additionalProperties, #"{"additionalProperties":{"type":"string"}}"#,
        valid: #"{"a":"x"}"#, invalid: #"{"a":1}"#),
    KeywordCase(
        .anyOf, #"{"anyOf":[{"required":["a"]},{"required":["b"]}]}"#, valid: #"{"a":1,"b":1}"#, invalid: "{}"
    ),
    KeywordCase(
        .oneOf, #"{"oneOf":[{"required":["a"]},{"required":["b"]}]}"#, valid: #"{"a":1}"#,
        invalid: #"{"a":1,"b":1}"#),
    KeywordCase(.allOf, #"{"allOf":[{"minimum":1},{"maximum":5}]}"#, valid: "3", invalid: "6"),
]

@Suite("Schemas of the API document")
struct OpenAPISchemaTests {
    private func problems(_ value: String, schema: String) throws -> [String] {
        let root = try JSONValue(parsing: #"{"components":{"schemas":{"Word":{"type":"string"}}}}"#.utf8)
        let schema = try JSONValue(parsing: schema.utf8)
        return SchemaChecker(root: root).problems(try JSONValue(parsing: value.utf8), schema: schema, at: "v")
    }

    @Test("each keyword allows what it should and refuses the rest", arguments: keywordCases)
    private func keyword(_ example: KeywordCase) throws {
        #expect(try problems(example.valid, schema: example.schema) == [])
        #expect(try problems(example.invalid, schema: example.schema).count == 1)
    }

    @Test("every keyword that may be used has a case here")
    func allKeywords() {
        #expect(Set(keywordCases.map(\.keyword)) == Set(SchemaKeyword.allCases))
    }

    @Test("a keyword that is not understood is a problem, not ignored")
    func unknownKeyword() throws {
        let found = try problems("1", schema: #"{"multipleOf":2}"#)
        #expect(found == ["v: the schema has the unknown keyword multipleOf"])
    }

    @Test("a problem names the place and the value")
    func place() throws {
        let schema = #"{"properties":{"data":{"items":{"properties":{"id":{"pattern":"^[0-9]+$"}}}}}}"#
        let found = try problems(#"{"data":[{"id":"1"},{"id":"x"}]}"#, schema: schema)
        #expect(found == [#"v.data[1].id: "x" does not match ^[0-9]+$"#])
    }

    @Test("references in a circle end")
    func circle() throws {
        let root = try JSONValue(parsing: ##"{"a":{"$ref":"#/a"}}"##.utf8)
        let found = SchemaChecker(root: root).problems(.null, schema: root, at: "v")
        #expect(found == ["v: the schema has the unknown keyword a"])
        let circle = try JSONValue(parsing: ##"{"$ref":"#/a"}"##.utf8)
        let endless = SchemaChecker(root: root).problems(.null, schema: circle, at: "v")
        #expect(endless == ["v: schemas lead in a circle"])
    }
}
