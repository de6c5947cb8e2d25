/// The program's version (semantic versioning).
public enum Version {
    public static let current = "0.1.0"
}
