import Foundation
import Testing

@testable import Exporter

@Suite("The live page's script")
struct PageTests {
  private static let node = ["/usr/bin/node", "/usr/local/bin/node"].first(where: FileManager.default.isExecutableFile)

  /// A page and a service that samples once a second, in simulated time: 10 W, and 100 W from the moment on at which its clock
  /// is set. What the page asks for, and shows in the end, is printed.
  private static let browser = """
    const [script, set, reload] = [process.argv[1], +process.argv[2], process.argv[3] === "reload"];
    const elements = {}, asked = {}, timers = [];
    let now = 10;
    const stamp = (second) => 1.8e9 + second + (second > 30 ? set : 0), watts = (second) => second > 30 ? 100 : 10;
    const rows = () => Array.from({length: Math.floor(now)}, (_, i) => [stamp(i + 1), 1, watts(i + 1), false]);
    const answers = {
      "info.json": () => ({info: {interval_seconds: 1, description: "", version: ""}}),
      "history.json": () => ({history: {columns: ["timestamp", "seconds", "watts", "asleep"], rows: rows()}}),
      "sample.json": () => ({sample: {timestamp: stamp(Math.floor(now)), window_seconds: 1, watts: watts(Math.floor(now)),
        status: "ok", packages: []}}),
    };
    const element = () => ({style: {}, drawn: {}, append() {}, replaceChildren() {},
      setAttribute(name, value) { this.drawn[name] = value; }});
    let show;
    const page = {
      Date, Error, TypeError, clearTimeout() {},
      document: {hidden: false, body: element(), createElement: element, addEventListener: (_, shown) => show = shown,
        getElementById: (id) => elements[id] ??= element()},
      fetch: async (name) => ({json: async () => { asked[name] = (asked[name] ?? 0) + 1; return answers[name](); }}),
      setTimeout: (action, milliseconds) => timers.push({action, time: now + milliseconds / 1000}),
    };
    const settle = async () => { for (let i = 0; i < 50; i++) await null; };
    (async () => {
      require("vm").runInNewContext(require("fs").readFileSync(script, "utf8"), page);
      await settle();
      while (now < 60) {
        timers.sort((one, other) => one.time - other.time);
        const next = timers.shift();
        now = Math.max(now, next.time);
        next.action();
        await settle();
      }
      if (reload) { show(); await settle(); timers.at(-1).action(); await settle(); }
      const places = elements.line.drawn.d.match(/[ML][-\\d.]+/g).map((place) => +place.slice(1));
      console.log(elements.statistics.textContent, "from", Math.min(...places) >= 0, "to", Math.max(...places) <= 1000,
        "asked", asked["sample.json"] < 120);
    })();
    """

  @Test(
    "goes on when the clock is set, and shows nothing in another time's place",
    .enabled(if: node != nil, "needs node (Debian: nodejs)"),
    arguments: [
      (0, "min 10.0 · mean 55.0 · max 100.0 W"), (-3600, "min 100.0 · mean 100.0 · max 100.0 W"),
      (3600, "min 100.0 · mean 100.0 · max 100.0 W"), (-10, "min 10.0 · mean 64.0 · max 100.0 W"),
    ], ["stays", "reload"])
  func clock(set: (seconds: Int, shown: String), then: String) throws {
    let script = NSTemporaryDirectory() + "pkg-watt-stat-page-\(UUID().uuidString).js"
    try Data(PackageResources.page_js).write(to: URL(filePath: script))
    defer { try? FileManager.default.removeItem(atPath: script) }
    let process = Process()
    process.executableURL = URL(filePath: try #require(Self.node))
    process.arguments = ["-e", Self.browser, script, "\(set.seconds)", then]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    #expect(said == "\(set.shown) from true to true asked true\n")
  }
}
