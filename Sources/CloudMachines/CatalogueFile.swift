import CloudCore
import Yams

/// The operator's catalogue: a YAML file with `regions`, `images` and `specifications`. The built-in one, whose head
/// describes the fields, is `Resources/catalogue.yaml`.
public enum CatalogueFile {
    /// Bytes of the largest file that is read.
    private static let maxBytes = 1 << 20

    /// The catalogue that this program comes with.
    public static var builtIn: Catalogue {
        get throws(CloudError) { try read(builtInText, name: "the built-in catalogue") }
    }

    /// The text of the built-in catalogue, to start an own one from.
    public static var builtInText: String { String(decoding: PackageResources.catalogue_yaml, as: UTF8.self) }

    /// Reads and checks a file. Throws all that is wrong with it, together.
    public static func load(_ path: String) throws(CloudError) -> Catalogue {
        guard let stamp = HostFiles.stamp(path) else {
            throw CloudError(
                .badRequest, "There is no catalogue file \(path). Give the path of one, or none.")
        }
        guard stamp.size <= maxBytes else {
            throw CloudError(
                .badRequest, "\(path) has \(stamp.size) bytes; a catalogue has at most \(maxBytes).")
        }
        guard let bytes = HostFiles.read(path) else {
            throw CloudError(.badRequest, "\(path) can't be read. Look at its owner and mode.")
        }
        return try read(String(decoding: bytes, as: UTF8.self), name: path)
    }

    /// Reads and checks a catalogue's text; `name` is for the error alone, which has one problem per line.
    public static func read(_ yaml: String, name: String = "the catalogue") throws(CloudError) -> Catalogue {
        let root: Node?
        do {
            root = try compose(yaml: yaml)
        } catch {
            throw CloudError(.badRequest, "\(name) is not YAML: \(error)")
        }
        var reader = CatalogueReader()
        let catalogue = reader.catalogue(root ?? Node(""))
        guard reader.problems.isEmpty else {
            let lines = reader.problems.map { "\n  \($0.field): \($0.message)" }.joined()
            throw CloudError(
                .validationError,
                "\(name) has \(reader.problems.count) problem\(reader.problems.count == 1 ? "" : "s"):\(lines)",
                problems: reader.problems)
        }
        return catalogue
    }
}
