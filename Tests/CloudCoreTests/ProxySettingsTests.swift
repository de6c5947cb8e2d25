import CloudCore
import Testing

@Suite("Proxies of the environment")
struct ProxySettingsTests {
    /// Variables, an address, and what its requests go through.
    struct Case: Sendable {
        var environment: [String: String]
        var url: String
        var proxy: String?

        init(_ environment: [String: String], _ url: String, _ proxy: String?) {
            self.environment = environment
            self.url = url
            self.proxy = proxy
        }
    }

    static let names: [Case] = [
        Case([:], "https://a.example", nil),
        Case(["https_proxy": "http://p:1"], "https://a.example/x", "p:1"),
        Case(["HTTPS_PROXY": "http://p:1"], "https://a.example", "p:1"),
        Case(["https_proxy": "http://low:1", "HTTPS_PROXY": "http://up:1"], "https://a.example", "low:1"),
        Case(["https_proxy": "", "HTTPS_PROXY": "http://up:1"], "https://a.example", "up:1"),
        Case(["https_proxy": "http://p:1"], "http://a.example", nil),
        Case(["http_proxy": "http://p:1"], "http://a.example", "p:1"),
        Case(["http_proxy": "http://p:1"], "https://a.example", nil),
        Case(["HTTP_PROXY": "http://p:1"], "http://a.example", "p:1"),
        Case(["HTTP_PROXY": "http://p:1", "REQUEST_METHOD": "GET"], "http://a.example", nil),
        Case(["all_proxy": "http://p:1"], "http://a.example", "p:1"),
        Case(["ALL_PROXY": "p:1"], "HTTPS://A.example", "p:1"),
        Case(["https_proxy": "p:3128"], "https://a.example", "p:3128"),
        Case(["https_proxy": "http://p"], "https://a.example", "p:80"),
        Case(["https_proxy": "HTTP://[fd00::1]:3128/"], "https://a.example", "fd00::1:3128"),
        Case(["all_proxy": "http://p:1"], "http+unix://%2Frun%2Fs", nil),
        Case(["all_proxy": "http://p:1"], "https://localhost:8443", nil),
        Case(["all_proxy": "http://p:1"], "http://127.1.2.3:8080", nil),
        Case(["all_proxy": "http://p:1"], "http://[::1]:8080", nil),
        Case(["all_proxy": "http://p:1"], "http://dev.localhost", nil),
        Case(["all_proxy": "http://p:1"], "http://localhost.example", "p:1"),
    ]

    @Test(
        "are chosen by the address's scheme, lower case first, and never for this machine", arguments: names)
    func name(_ one: Case) throws {
        #expect(try ProxySettings(environment: one.environment).proxy(for: one.url)?.description == one.proxy)
    }

    @Test(
        "are passed by for what no_proxy lists",
        arguments: [
            ("*", "https://a.example", true), ("a.example", "https://a.example", true),
            ("a.example", "https://b.a.example:8443", true), (".a.example", "https://b.a.example", true),
            (".a.example", "https://a.example", true), ("*.a.example", "https://b.a.example", true),
            ("A.Example.", "https://a.example", true), ("a.example", "https://ba.example", false),
            ("b.example, a.example", "https://a.example", true),
            ("b.example a.example", "https://a.example", true),
            ("a.example:443", "https://a.example", true), ("a.example:443", "https://a.example:8443", false),
            ("a.example:80", "http://a.example", true), ("10.0.0.0/8", "https://10.1.2.3", true),
            ("10.0.0.0/8", "https://11.1.2.3", false), ("10.1.2.3", "https://10.1.2.3", true),
            ("2.3", "https://10.1.2.3", false), ("[fd00::1]", "https://[fd00::1]", true),
            ("fd00::1", "https://[fd00::1]:8443", true), ("[fd00::1]:443", "https://[fd00::1]", true),
            ("[fd00::1]:443", "https://[fd00::1]:8443", false), ("", "https://a.example", false),
            (",.,:", "https://a.example", false),
        ])
    func exception(list: String, url: String, isDirect: Bool) throws {
        for name in ["no_proxy", "NO_PROXY"] {
            let settings = ProxySettings(environment: ["all_proxy": "http://p:1", name: list])
            #expect(try (settings.proxy(for: url) == nil) == isDirect)
        }
    }

    @Test("have a user and a password, which no text shows")
    func login() throws {
        let settings = ProxySettings(environment: ["https_proxy": "http://us%40er:p%3Ass@p:1"])
        let proxy = try #require(try settings.proxy(for: "https://a.example"))
        #expect(proxy.login == .init(user: "us@er", password: "p:ss"))
        #expect("\(proxy)" == "p:1")
    }

    @Test(
        "that can't be used are told by the variable's name, without its value",
        arguments: [
            "socks5://secret:1", "https://secret:1", "http://", "http://secret:0", "http://secret:99999",
            "://",
            "http://secret: 1",
        ])
    func unusable(_ text: String) throws {
        let settings = ProxySettings(environment: ["HTTPS_PROXY": text])
        let error = #expect(throws: CloudError.self) { try settings.proxy(for: "https://a.example") }
        #expect(error?.problems.first?.field == "HTTPS_PROXY")
        #expect(error?.message.contains("secret") == false)
        #expect(throws: Never.self) { try settings.proxy(for: "https://localhost") }
    }
}
