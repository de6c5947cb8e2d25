import CloudCore
import Yams

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Turns YAML nodes into a catalogue and collects every problem on the way.
struct CatalogueReader {
    private(set) var problems: [Problem] = []

    private static let storagesGb: ClosedRange<Int64> = 1...65_536
    private static let slug =
        "capital letters, digits, dots and hyphens, beginning with a letter or digit, at most 63"

    mutating func catalogue(_ root: Node) -> Catalogue {
        guard root.mapping != nil else {
            report("(the whole file)", "is no mapping; write regions:, images: and specifications:")
            return Catalogue(regions: [], images: [], specifications: [])
        }
        checkKeys(
            root, "",
            known: [
                "regions", "images", "specifications", "publicIpMonthRwf", "snapshotGbMonthRwf",
                "imageGbMonthRwf",
            ])
        var catalogue = Catalogue(regions: [], images: [], specifications: [])
        for (node, path) in items(root, "regions") { catalogue.regions.append(region(node, path)) }
        for (node, path) in items(root, "images") { catalogue.images.append(image(node, path)) }
        for (node, path) in items(root, "specifications") {
            catalogue.specifications.append(specification(node, path))
        }
        if root["publicIpMonthRwf"] != nil {
            catalogue.publicIpMonthMilliRwf = price(root, "", "publicIpMonthRwf")
        }
        if root["snapshotGbMonthRwf"] != nil {
            catalogue.snapshotGbMonthMilliRwf = price(root, "", "snapshotGbMonthRwf")
        }
        if root["imageGbMonthRwf"] != nil {
            catalogue.imageGbMonthMilliRwf = price(root, "", "imageGbMonthRwf")
        }
        checkUnique(catalogue.regions.map { String($0.id) }, "regions", "id")
        checkUnique(catalogue.regions.map(\.region), "regions", "region")
        checkUnique(catalogue.images.map(\.image), "images", "image")
        checkUnique(catalogue.specifications.map(\.id), "specifications", "id")
        checkUnique(catalogue.specifications.map(\.specification), "specifications", "specification")
        return catalogue
    }

    private mutating func region(_ node: Node, _ path: String) -> Region {
        checkKeys(node, path, known: ["id", "region", "name", "countryCode"])
        let code = text(node, path, "countryCode")
        if !code.isEmpty, code.count != 2 || !code.allSatisfy({ $0.isASCII && $0.isUppercase }) {
            report(
                "\(path).countryCode", "\"\(code)\" is no country code; write two capital letters such as RW")
        }
        return Region(
            id: integer(node, path, "id", in: 1...Int64(Int32.max)), region: slug(node, path, "region"),
            name: text(node, path, "name"), countryCode: code)
    }

    private mutating func image(_ node: Node, _ path: String) -> Image {
        checkKeys(
            node, path,
            known: [
                "image", "imageName", "version", "displayName", "url", "format", "sha256", "checksums",
                "build", "minStorageGb",
            ])
        return Image(
            image: slug(node, path, "image"), imageName: text(node, path, "imageName"),
            version: text(node, path, "version"), displayName: text(node, path, "displayName"),
            source: source(node, path),
            minStorageGb: node["minStorageGb"] == nil
                ? nil : integer(node, path, "minStorageGb", in: Self.storagesGb))
    }

    private mutating func source(_ node: Node, _ path: String) -> ImageSource {
        switch (node["url"] != nil, node["build"] != nil) {
        case (true, true):
            report(path, "has both url and build; keep one of them")
            return .build(recipe: "")
        case (false, false):
            report(path, "has neither url nor build; say where the image comes from")
            return .build(recipe: "")
        case (false, true):
            for key in ["format", "sha256", "checksums"] where node[key] != nil {
                report("\(path).\(key)", "goes with url, and this image is built; remove it")
            }
            let recipe = text(node, path, "build")
            if !recipe.isEmpty, ImageRecipe(rawValue: recipe) == nil {
                let known = ImageRecipe.allCases.map(\.rawValue).joined(separator: ", ")
                report("\(path).build", "\"\(recipe)\" is no recipe of this program; write one of \(known)")
            }
            return .build(recipe: recipe)
        case (true, false):
            let format = text(node, path, "format")
            if !format.isEmpty, format != "qcow2", format != "raw" {
                report("\(path).format", "\"\(format)\" is not supported; write qcow2 or raw")
            }
            return .url(url(node, path, "url"), checksum: checksum(node, path), format: format)
        }
    }

    private mutating func checksum(_ node: Node, _ path: String) -> ImageChecksum {
        switch (node["sha256"] != nil, node["checksums"] != nil) {
        case (true, true): report(path, "has both sha256 and checksums; keep one of them")
        case (false, false):
            report(path, "has neither sha256 nor checksums; a download must be verified by one of them")
        case (true, false):
            let digest = text(node, path, "sha256")
            if !digest.isEmpty, digest.count != 64 || !digest.allSatisfy({ $0.isASCII && $0.isHexDigit }) {
                report("\(path).sha256", "\"\(digest)\" is no SHA-256; write 64 hexadecimal digits")
            }
            return .sha256(digest.lowercased())
        case (false, true):
            let sums = url(node, path, "checksums")
            if let parsed = URL(string: sums), parsed.scheme == "http", !Self.isLoopback(parsed) {
                report(
                    "\(path).checksums",
                    "\"\(sums)\" is not HTTPS, so it proves nothing; write an https:// URL")
            }
            return .sums(url: sums)
        }
        return .sha256("")
    }

    private mutating func specification(_ node: Node, _ path: String) -> Specification {
        checkKeys(
            node, path, known: ["id", "specification", "vcpus", "memoryMb", "storageGb", "priceMonthRwf"])
        let id = text(node, path, "id")
        if !id.isEmpty, id.count != 36 || UUID(uuidString: id) == nil {
            report("\(path).id", "\"\(id)\" is no UUID; make one by uuidgen and never change it")
        }
        return Specification(
            id: id.lowercased(), specification: slug(node, path, "specification"),
            vcpus: integer(node, path, "vcpus", in: 1...1024),
            memoryMb: integer(node, path, "memoryMb", in: 64...16_777_216),
            storageGb: integer(node, path, "storageGb", in: Self.storagesGb),
            priceMonthMilliRwf: price(node, path, "priceMonthRwf"))
    }
}

// MARK: - Fields

extension CatalogueReader {
    private static let maxItems = 1000

    private mutating func report(_ field: String, _ message: String) {
        problems.append(Problem(field, message))
    }

    private mutating func items(_ root: Node, _ key: String) -> [(Node, String)] {
        guard let list = root[key]?.sequence, !list.isEmpty else {
            report(key, "is missing or no list; write at least one item")
            return []
        }
        if list.count > Self.maxItems {
            report(key, "has \(list.count) items; at most \(Self.maxItems) are read")
        }
        return list.prefix(Self.maxItems).enumerated().map { ($0.element, "\(key)[\($0.offset)]") }
    }

    private mutating func text(_ node: Node, _ path: String, _ key: String) -> String {
        guard let value = node[key]?.scalar?.string, !value.isEmpty else {
            report(path.isEmpty ? key : "\(path).\(key)", "is missing or no text; write it")
            return ""
        }
        return value
    }

    /// Letters of a slug are safe in a URL and in a file name: an image's folder is called by it.
    private mutating func slug(_ node: Node, _ path: String, _ key: String) -> String {
        let value = text(node, path, key)
        let isSlug =
            value.utf8.count <= 63 && value.first != "." && value.first != "-"
            && value.allSatisfy { $0.isASCII && ($0.isUppercase || $0.isNumber || $0 == "." || $0 == "-") }
        if !isSlug { report("\(path).\(key)", "\"\(value)\" is no slug; write \(Self.slug)") }
        return value
    }

    private mutating func integer(
        _ node: Node, _ path: String, _ key: String, in range: ClosedRange<Int64>
    ) -> Int {
        let value = text(node, path, key)
        if value.isEmpty { return Int(range.lowerBound) }
        guard let number = Int64(value), range.contains(number) else {
            report(
                path.isEmpty ? key : "\(path).\(key)",
                "\"\(value)\" is not a whole number of \(range.lowerBound) to \(range.upperBound); write one")
            return Int(range.lowerBound)
        }
        return Int(number)
    }

    /// Whole francs in the file, thousandths here.
    private mutating func price(_ node: Node, _ path: String, _ key: String) -> Int64 {
        Int64(integer(node, path, key, in: 0...Price.mostMonthRwf)) * 1000
    }

    private mutating func url(_ node: Node, _ path: String, _ key: String) -> String {
        let value = text(node, path, key)
        if value.isEmpty { return value }
        let parsed = URL(string: value)
        let isWeb = parsed?.scheme == "https" || parsed?.scheme == "http"
        if !isWeb || parsed?.host() == nil || parsed?.host()?.isEmpty == true || parsed?.user() != nil {
            report("\(path).\(key)", "\"\(value)\" is no web address; write https://…, without a user name")
        }
        return value
    }

    private static func isLoopback(_ url: URL) -> Bool {
        ["127.0.0.1", "localhost", "::1"].contains(url.host() ?? "")
    }

    private mutating func checkKeys(_ node: Node, _ path: String, known: [String]) {
        guard let mapping = node.mapping else {
            return report(path, "is no mapping; write \(known.joined(separator: ", "))")
        }
        for key in mapping.keys.compactMap(\.string) where !known.contains(key) {
            report(
                path.isEmpty ? key : "\(path).\(key)",
                "is not known; write one of \(known.joined(separator: ", "))")
        }
    }

    private mutating func checkUnique(_ values: [String], _ list: String, _ key: String) {
        var first: [String: Int] = [:]
        for (index, value) in values.enumerated() where !value.isEmpty {
            if let earlier = first[value] {
                report(
                    "\(list)[\(index)].\(key)", "\"\(value)\" is \(list)[\(earlier)]'s already; write another"
                )
            } else {
                first[value] = index
            }
        }
    }
}
