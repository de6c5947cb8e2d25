import CloudCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// An error of a desk on its way to the asker: it comes out as it went in.
struct LinkError: Codable {
    struct Field: Codable {
        var field: String
        var message: String
    }

    var code: String
    var message: String
    var detail: String?
    var problems: [Field]

    init(_ error: CloudError) {
        code = error.code.rawValue
        message = error.message
        detail = error.detail.map { String($0.prefix(Self.longestDetail)) }
        problems = error.problems.map { Field(field: $0.field, message: $0.message) }
    }

    /// Characters: an answer is bounded, and the code and the message matter more.
    private static let longestDetail = 2000

    /// What a text from the other side says; `nil` when it is no error of ours.
    static func read(_ text: [UInt8]) -> CloudError? {
        // What can't be read is no error of ours.
        guard let error = try? JSONDecoder().decode(LinkError.self, from: Data(text)),
            let code = ErrorCode(rawValue: error.code)
        else { return nil }
        return CloudError(
            code, error.message, detail: error.detail,
            problems: error.problems.map { Problem($0.field, $0.message) })
    }

    /// In JSON.
    var text: String {
        // Texts alone: it can't fail.
        (try? JSONEncoder().encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
