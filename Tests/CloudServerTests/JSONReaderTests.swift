import CloudWire
import Testing

@Suite("JSON texts")
struct JSONReaderTests {
    static let values: [(String, JSONValue)] = [
        ("null", .null), ("\u{feff}1", .integer(1)), ("true", .bool(true)), (" \t\r\nfalse ", .bool(false)),
        ("0", .integer(0)), ("-0", .integer(0)), ("-0.0", .integer(0)),
        ("0e9999999999999999999", .integer(0)),
        ("100", .integer(100)), ("1e2", .integer(100)), ("100.0", .integer(100)), ("12.50E+1", .integer(125)),
        ("1000e-2", .integer(10)), ("9223372036854775807", .integer(.max)),
        ("-9223372036854775808", .integer(.min)), ("9007199254740993.0", .integer(9_007_199_254_740_993)),
        ("9223372036854775808", .double(9_223_372_036_854_775_808)), ("0.5", .double(0.5)),
        ("-1E-2", .double(-0.01)), ("1e308", .double(1e308)), ("1e-400", .integer(0)),
        (#""""#, .string("")), (#""\"\\\/\b\f\n\r\t""#, .string("\"\\/\u{8}\u{C}\n\r\t")),
        (#""\u0041\u00e9é\u0000""#, .string("Aéé\u{0}")), (#""\uD83D\ude00""#, .string("😀")),
        ("[]", .array([])), ("[ 1 , [ ] ]", .array([.integer(1), .array([])])),
        ("{}", .object([:])), (#"{"a" : 1,"b":{}}"#, .object(["a": .integer(1), "b": .object([:])])),
    ]

    @Test("are read as RFC 8259 has it", arguments: values)
    func reads(_ text: String, value: JSONValue) throws {
        #expect(try JSONValue(parsing: text.utf8) == value)
    }

    static let faults: [(String, offset: Int, problem: String)] = [
        ("", 0, "ends"), ("  ", 2, "ends"), ("[", 1, "ends"), ("[1,]", 3, "begins no"),
        ("[,1]", 1, "begins no"),
        ("[1 2]", 3, "',' or ']'"), ("[1}", 2, "',' or ']'"), ("{", 1, "name"), (#"{"a":1,}"#, 7, "name"),
        ("{a:1}", 1, "name"), (#"{"a" 1}"#, 5, "':'"), (#"{"a":}"#, 5, "begins no"), (#"{"a":1]"#, 6, "'}'"),
        (#"{"a":1,"b":2,"a":3}"#, 13, "'a' is there twice"), (#"{"a":1,"\u0061":1}"#, 7, "twice"),
        (#"{"x":{"a\u0007":1,"a\u0007":1}}"#, 18, "'a?' is there twice"),
        ("1 1", 2, "more than one"), ("{}{}", 2, "more than one"), ("nulll", 4, "more than one"),
        ("1//", 1, "more than one"), ("nul", 0, "begins no"), ("True", 0, "begins no"),
        ("NaN", 0, "begins no"),
        ("Infinity", 0, "begins no"), ("'a'", 0, "begins no"), ("\u{feff}\u{feff}1", 3, "begins no"),
        ("\u{feff}", 3, "ends"), ("1\u{feff}", 1, "more than one"), (" \u{feff}1", 1, "begins no"),
        ("\u{a0}1", 0, "begins no"), ("+1", 0, "begins no"), (".5", 0, "begins no"), ("01", 0, "zero"),
        ("-01", 0, "zero"), ("-", 1, "digit"), ("1.", 2, "digit"), ("1.e1", 2, "digit"), ("1e", 2, "digit"),
        ("1e+", 3, "digit"), ("1e999", 0, "larger"), ("[-1e309]", 1, "larger"), ("0x1", 1, "more than one"),
        (#""a"#, 0, "does not end"), (#""a\"#, 3, "does not end"), ("\"a\nb\"", 2, "not escaped"),
        ("\"\u{0}\"", 1, "not escaped"), (#""\x""#, 1, "escape"), (#""\u12""#, 3, "hexadecimal"),
        (#""\u+123""#, 3, "hexadecimal"), (#""\ud800""#, 1, "surrogate"),
        (#""\udc00\ud800""#, 1, "surrogate"),
        (#""\ud800\u0041""#, 1, "surrogate"), (#""\ud800\n""#, 1, "surrogate"),
    ]

    @Test("that are none are refused with the place of the fault", arguments: faults)
    func refuses(_ text: String, offset: Int, problem: String) {
        let error = #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: text.utf8) }
        #expect(error?.offset == offset, "\(text)")
        #expect(error?.problem.contains(problem) == true, "\(text): \(error?.problem ?? "")")
    }

    static let notUTF8: [[UInt8]] = [
        [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xE2, 0x82], [0xF5, 0x80, 0x80, 0x80],
    ]

    @Test("are in UTF-8", arguments: notUTF8)
    func utf8(_ bytes: [UInt8]) {
        let error = #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: [34] + bytes + [34]) }
        #expect(error?.problem.contains("UTF-8") == true)
    }

    @Test("are as deep as the stack bears", arguments: [("[", "]"), (#"{"a":["#, "]}")])
    func depth(_ open: String, _ close: String) throws {
        let levels = 128 / open.filter { "[{".contains($0) }.count
        func text(_ count: Int) -> String {
            String(repeating: open, count: count) + String(repeating: close, count: count)
        }
        _ = try JSONValue(parsing: text(levels).utf8)
        let error = #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: text(levels + 1).utf8) }
        #expect(error?.problem.contains("128") == true)
        #expect(throws: JSONSyntaxError.self) { try JSONValue(parsing: text(100_000).utf8) }
    }
}
