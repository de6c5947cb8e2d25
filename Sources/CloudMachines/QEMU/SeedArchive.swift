import CloudCore
import FoundationEssentials

/// The user data of a seed whose owner has some too: our parts and the owner's as one MIME message (cloud-init, "User
/// data formats").
enum SeedArchive {
    /// - Parameters:
    ///   - access: the cloud-config that lets root in.
    ///   - keys: root's.
    ///   - sent: the owner's user data, as it was sent.
    static func text(_ access: String, _ keys: [String], _ sent: String) -> String {
        // What was taken before it was checked as it is now is a text to cloud-init too.
        let owner = (try? UserData(sent)).map(part) ?? text(sent)
        let boundary = boundary(notIn: owner)
        return """
            Content-Type: multipart/mixed; boundary="\(boundary)"
            MIME-Version: 1.0

            --\(boundary)
            Content-Type: text/cloud-boothook; charset="utf-8"

            \(hook(keys))
            --\(boundary)
            Content-Type: text/cloud-config; charset="utf-8"

            \(access)
            --\(boundary)
            \(owner)
            --\(boundary)--

            """
    }

    /// Lets root's keys in before anything of the owner's is read, since all that a cloud-config says can be replaced by
    /// another: by one that is included, or in an archive, or whose parts say how they are merged. It does so at the first
    /// boot alone: later the owner may have taken a key away.
    private static func hook(_ keys: [String]) -> String {
        """
        #cloud-boothook
        #!/bin/sh
        done=/var/lib/cloud/instance/sem
        if [ -e $done/strettch_keys ] || [ -e $done/config_users_groups ]; then exit 0; fi
        umask 077
        mkdir -p /root/.ssh $done
        cat >>/root/.ssh/authorized_keys <<'END'

        \(keys.map(ascii).joined(separator: "\n"))
        END
        if command -v restorecon >/dev/null; then restorecon -R /root/.ssh; fi
        : >$done/strettch_keys
        """
    }

    /// A comment may hold other characters, which cloud-init takes apart here.
    private static func ascii(_ key: String) -> String {
        String(String.UnicodeScalarView(key.unicodeScalars.map { $0.isASCII ? $0 : "?" }))
    }

    private static func part(_ userData: UserData) -> String {
        switch userData.form {
        case .text: text(userData.text)
        // As it is: cloud-init looks into parts within parts, and takes each as if we were not there.
        case .message: userData.text
        }
    }

    /// In base64, so that nothing in it can end it; cloud-init finds out its format itself. Lists of the owner's, users
    /// among them, are appended to ours, and what we say of root's login stands (cloud-init, "Merging user data sections").
    /// The tiny guest takes the first part in base64 for the owner's.
    private static func text(_ text: String) -> String {
        let base64 = Data(text.utf8).base64EncodedString(options: [
            .lineLength76Characters, .endLineWithLineFeed,
        ])
        return """
            Content-Type: text/plain; charset="utf-8"
            Content-Transfer-Encoding: base64
            X-Merge-Type: list(append)+dict(no_replace,recurse_list)+str()

            \(base64)
            """
    }

    private static func boundary(notIn text: String) -> String {
        let name = "==strettch-part"
        var boundary = "\(name)=="
        var number = 1
        // It ends: a text has fewer parts than it has characters.
        while text.contains(boundary) {
            number += 1
            boundary = "\(name)-\(number)=="
        }
        return boundary
    }
}
