import Foundation
import Testing

/// An exporter of a service's socket, on a port that is free.
private final class Exporter {
  let child: Child
  let url: String

  init(_ socket: String, wrapper: [String] = [], options: [String] = []) throws {
    let child = try Child(
      wrapper + [Executables.service, "exporter", "--socket", socket, "--listen", "127.0.0.1:0"] + options)
    try wait(for: "the exporter to be ready") {
      guard child.isRunning else { throw TestFailure("the exporter ended: \(child.output)") }
      return child.output.contains("Ready: serving at")
    }
    guard let url = child.output.firstMatch(of: /http:\/\/127\.0\.0\.1:\d+\//)?.output else {
      throw TestFailure("no address in \(child.output)")
    }
    self.child = child
    self.url = String(url)
  }

  /// The body at a path.
  func get(_ path: String = "metrics") throws -> String {
    let script = """
      import sys, urllib.request
      opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
      print(opener.open(sys.argv[1], timeout=20).read().decode())
      """
    let (code, output) = try Child.run(["python3", "-c", script, url + path], seconds: 30)
    guard code == 0 else { throw TestFailure(output) }
    return output
  }

  /// How many sockets it holds.
  func sockets() throws -> Int {
    let folder = "/proc/\(child.pid)/fd"
    return try FileManager.default.contentsOfDirectory(atPath: folder).filter { name in
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)"))?.hasPrefix("socket:") == true
    }.count
  }
}

@Suite("The exporter of a running service", .serialized)
struct ExporterTests {
  @Test("ends with exit code 0 on SIGTERM, SIGINT and SIGHUP", arguments: [SIGTERM, SIGINT, SIGHUP])
  func ending(signal: Int32) throws {
    let exporter = try Exporter("/nonexistent/watts.sock")
    exporter.child.send(signal)
    #expect(try exporter.child.exitCode() == 0)
  }

  @Test("serves its watts and joules, and the page's data")
  func serves() throws {
    let service = try Service.simulated()
    let exporter = try Exporter(service.socket)
    let metrics = try exporter.get()
    for line in ["pkg_watt_stat_up 1", "pkg_watt_stat_fresh 1", "pkg_watt_stat_simulated 1"] {
      #expect(metrics.contains(line + "\n"))
    }
    #expect(metrics.contains(/\npkg_watt_stat_energy_joules_total{package="0",domain="package"} \d/))
    #expect(metrics.contains(/\npkg_watt_stat_power_watts{package="0",domain="package"} \d/))
    #expect(try exporter.get("info.json").hasPrefix(#"{"info": {"#))
    #expect(try exporter.get("sample.json").hasPrefix(#"{"sample": {"#))
    #expect(try exporter.get("history.json").hasPrefix(#"{"history": {"#))
    #expect(try exporter.get("").hasPrefix("<!DOCTYPE html>"))
    exporter.child.send(SIGTERM)
    #expect(try exporter.child.exitCode() == 0)
  }

  @Test("holds no connection to the service when nobody asks")
  func release() throws {
    let service = try Service.simulated()
    let exporter = try Exporter(service.socket)
    let before = try exporter.sockets()
    _ = try exporter.get()
    #expect(try exporter.sockets() > before)
    try wait(seconds: 20, for: "the exporter to let go of the service") { try exporter.sockets() == before }
    #expect(try exporter.get().contains("pkg_watt_stat_up 1\n"))
  }

  @Test("says when the service does not answer, and goes on when it does again")
  func recovery() throws {
    let first = try Service.simulated()
    let exporter = try Exporter(first.socket)
    #expect(try exporter.get().contains("pkg_watt_stat_up 1\n"))
    #expect(try first.stop() == 0)
    let gone = try exporter.get()
    #expect(gone.contains("pkg_watt_stat_up 0\n") && !gone.contains("joules"))
    let second = try Child([Executables.service, "serve", "--source", "simulated", "--socket", first.socket])
    try wait(for: "the second service") { second.output.contains("Ready") }
    #expect(try exporter.get().contains("pkg_watt_stat_up 1\n"))
    #expect(exporter.child.output.contains("WARNING: No service answers at \(first.socket)"))
    #expect(exporter.child.output.contains("INFO: The service answers."))
  }

  @Test("started as root it is nobody, without a capability", .enabled(if: Executables.isRoot, "needs root"))
  func unprivileged() throws {
    let service = try Service.simulated()
    let exporter = try Exporter(service.socket)
    for task in try FileManager.default.contentsOfDirectory(atPath: "/proc/\(exporter.child.pid)/task") {
      let status = try String(contentsOfFile: "/proc/\(exporter.child.pid)/task/\(task)/status", encoding: .utf8)
      #expect(status.contains("\nUid:\t65534\t65534\t65534\t65534\n") && status.contains("\nGroups:\t \n"))
      for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] { #expect(status.contains("\(set):\t0000000000000000\n")) }
    }
    #expect(try exporter.get("info.json").contains(#""trusted": false"#))
  }

  @Test("does not hand on what only the trusted may know", .enabled(if: Executables.isRoot, "needs root"))
  func trusted() throws {
    let service = try Service.simulated(["--trusted-group", "daemon"])
    let exporter = try Exporter(
      service.socket, wrapper: ["setpriv", "--reuid=65534", "--regid=daemon", "--clear-groups", "--"])
    let metrics = try exporter.get()
    #expect(metrics.contains("pkg_watt_stat_up 0\n") && !metrics.contains("joules"))
    #expect(exporter.child.output.contains("and not in the group daemon"), "\(exporter.child.output)")
  }

  /// The values of a scrape, by their names and labels.
  private func values(_ metrics: String) throws -> [String: Double] {
    let lines = metrics.split(separator: "\n").filter { !$0.hasPrefix("#") }
    let values = try lines.map { line in
      let end = try #require(line.lastIndex(of: " "), "no value: \(line)")
      return (String(line[..<end]), try #require(Double(line[line.index(after: end)...]), "no value: \(line)"))
    }
    #expect(Set(values.map(\.0)).count == values.count, "a value twice: \(metrics)")
    return Dictionary(values) { first, _ in first }
  }

  @Test(
    "serves the energy of units, whatever their names; it gains what the package gains",
    .enabled(if: ControlGroup.lack == nil, Comment(rawValue: ControlGroup.lack ?? "")))
  func units() throws {
    let service = try Service.simulated(["--interval", "0.5"])
    let group = try ControlGroup(#"\"},row="idle"} 1\x0apkg_watt_stat_up 0\x1b[2J.service"#)
    let busy = try group.run("sh", "-c", "while :; do :; done")
    let exporter = try Exporter(
      service.socket, wrapper: ControlGroup.mount(group.folder), options: ["--units", "1000"])
    let name = #"unit="\#(group.name.replacing(#"\x0a"#, with: "\n").replacing(#"\x1b"#, with: "\u{1B}").escaped)""#
    let label = #"{row="unit",\#(name),cgroup="/\#(group.name.escaped)"}"#
    let joules = "pkg_watt_stat_unit_energy_joules_total"
    var (scrapes, packages): ([[String: Double]], [Double]) = ([], [])
    try wait(seconds: 20, for: "the unit's energy") {
      let all = try values(exporter.get())
      packages.append(all[#"pkg_watt_stat_energy_joules_total{package="0",domain="package"}"#] ?? .nan)
      scrapes.append(all.filter { $0.key.hasPrefix(joules) })
      let watts = all.filter { $0.key.hasPrefix("pkg_watt_stat_unit_power_watts") }.values
      if let window = all["pkg_watt_stat_unit_power_window_seconds"] {
        // The first window began with the first scrape.
        #expect(window >= 0.2 && watts.allSatisfy { $0 >= 0 })
      } else {
        #expect(watts.isEmpty)
      }
      return all[joules + label] ?? 0 > 0
    }
    for (index, (before, after)) in zip(scrapes, scrapes.dropFirst()).enumerated() {
      let gains = after.map { key, value in value - (before[key] ?? value) }
      #expect(gains.allSatisfy { $0 >= 0 })
      #expect(abs(gains.reduce(0, +) - (packages[index + 1] - packages[index])) < 0.0001, "\(before) \(after)")
    }
    #expect(!(try exporter.get("sample.json").contains("unit")))
    busy.send(SIGKILL)
  }

  @Test(
    "tells units to this machine only, unless it is asked twice",
    arguments: [
      (["--units", "5", "--listen", "0.0.0.0:0"], "names of users' sessions and of containers"),
      (["--units", "5", "--listen", "[::]:0"], "add --publish-units if everyone may know them"),
      (["--publish-units"], "--publish-units needs --units"),
      (["--units", "0"], "--units must be a number from 1 to 1000"),
      (["--units", "-1"], "--units must be a number from 1 to 1000"), (["--units", "1001"], "from 1 to 1000"),
      (["--units", "x"], "The value 'x' is invalid for '--units"),
    ])
  func privateNames(options: [String], says: String) throws {
    let (code, output) = try Child.run([Executables.service, "exporter"] + options)
    #expect(code == 64 && output.contains(says), "\(output)")
  }

  @Test("tells units to others if it is asked twice, and says so", .enabled(if: ControlGroup.lack == nil))
  func published() throws {
    let folder = try TemporaryFolder()
    let child = try Child(
      ControlGroup.mount(folder) + [
        Executables.service, "exporter", "--units", "5", "--listen", "0.0.0.0:0", "--publish-units",
      ])
    try wait(for: "the warning") { child.output.contains("every local user may read, and the names of units.") }
    child.send(SIGTERM)
    #expect(try child.exitCode() == 0)
  }

  @Test(
    "wrong usage is refused",
    arguments: [
      ("localhost:10611", "must be an IP address"), ("10611", "must be an IP address"), ("", "must be an IP address"),
    ])
  func usage(listen: String, says: String) throws {
    let (code, output) = try Child.run([Executables.service, "exporter", "--listen", listen])
    #expect(code == 64 && output.contains(says), "\(output)")
  }

  @Test("an address that is taken, or not this machine's, ends it with one sentence")
  func taken() throws {
    let service = try Service.simulated()
    let exporter = try Exporter(service.socket)
    let address = String(exporter.url.dropFirst("http://".count).dropLast())
    let second = try Child.run([Executables.service, "exporter", "--listen", address])
    #expect(second.exitCode == 1 && second.output.contains("Another program already listens at \(address)"))
    let elsewhere = try Child.run([Executables.service, "exporter", "--listen", "192.0.2.1:10611"])
    #expect(elsewhere.exitCode == 1 && elsewhere.output.contains("does not have the address 192.0.2.1"))
  }
}

extension String {
  /// As it is written in a label.
  fileprivate var escaped: String {
    replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
  }
}
