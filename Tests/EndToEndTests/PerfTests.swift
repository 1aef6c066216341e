import Foundation
import Testing

private enum CountingMachine {
  /// Why there are no such events here; nil if there are.
  static let lack: String? = {
    guard Executables.isRoot else { return Executables.needsRoot }
    do {
      let (code, output) = try Child.run(command(#"exec "$0" serve --check --source perf"#, Executables.service))
      return code == 0 ? nil : "software events are not allowed here: \(output)"
    } catch {
      return "\(error)"
    }
  }()

  /// A command in a mount namespace whose PMU counts nanoseconds: 42.5 W, 30 W of them the cores'.
  static func command(_ script: String, _ arguments: String..., change: String = "") -> [String] {
    let machine = """
      set -e; P=/sys/bus/event_source/devices/power; mount -t tmpfs none /sys/bus/event_source/devices
      mkdir -p $P/events; echo 1 >$P/type; echo 0 >$P/cpumask
      for event in pkg:4.25e-8 cores:3e-8 ram:5e-9; do
        name=$P/events/energy-${event%:*}; echo event=0x00 >$name; echo Joules >$name.unit; echo ${event#*:} >$name.scale
      done
      \(change)
      \(script)
      """
    return ["unshare", "-m", "sh", "-c", machine] + arguments
  }
}

/// The real service on real events of this kernel: its CPU clock, whose nanoseconds a PMU named `power` calls energy.
@Suite(
  "Watts from the kernel's events", .serialized,
  .enabled(if: CountingMachine.lack == nil, Comment(rawValue: CountingMachine.lack ?? "")))
struct PerfTests {
  private func service(_ arguments: [String], change: String = "") throws -> Service {
    try Service(arguments, wrapper: CountingMachine.command(#"exec "$0" "$@""#, change: change))
  }

  @Test("are right, and the service that reads them holds no capability at all, by itself and by auto")
  func watts() throws {
    for source in ["perf", "auto"] {
      let service = try service(["--source", source])
      let client = try service.client()
      for _ in 0..<2 { #expect(abs(try client.reading().power_watts - 42.5) < 0.2) }
      let status = try String(contentsOfFile: "/proc/\(service.child.pid)/status", encoding: .utf8)
      for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        #expect(status.contains("\(set):\t0000000000000000"), "\(status)")
      }
      client.write("{\"get\": \"info\"}\n")
      var line = ""
      while !line.contains("unit_source") { line = try client.line() }
      #expect(line.contains(#""source": "perf""#) && line.contains(#""unit_source": "perf""#), "\(line)")
    }
  }

  @Test("need a capability to be opened, and a filter that lets them: each refusal names it")
  func refusals() throws {
    let without = #"exec setpriv --bounding-set=-perfmon,-sys_admin "$0" serve --check --source perf"#
    let (code, output) = try Child.run(CountingMachine.command(without, Executables.service))
    #expect(code == 1 && output.contains("Cannot open the event power/energy-pkg/ on CPU 0"), "\(output)")
    // In a container the advice is --cap-add PERFMON.
    #expect(output.contains("PERFMON"), "\(output)")
    // Room for those of the package and the cores.
    let few = #"ulimit -n 5; exec "$0" serve --check --source perf"#
    let (fewCode, fewOutput) = try Child.run(CountingMachine.command(few, Executables.service))
    #expect(fewCode == 0 && fewOutput.contains("The DRAM counter of package 0 is not measured."), "\(fewOutput)")
    #expect(fewOutput.contains("power/energy-ram/ on CPU 0: this process has too many open files"), "\(fewOutput)")
  }

  @Test("are explained by the doctor, whether they count or not")
  func doctor() throws {
    let (code, output) = try Child.run(CountingMachine.command(#"exec "$0" doctor"#, Executables.service), seconds: 30)
    #expect(code == 0 && output.contains("This machine can be measured by perf"), "\(output)")
    let change = "echo much >$P/events/energy-pkg.scale"
    let (badCode, bad) = try Child.run(
      CountingMachine.command(#"exec "$0" doctor"#, Executables.service, change: change), seconds: 30)
    #expect(badCode == 1 && bad.contains("energy-pkg.scale does not contain a plausible number of joules"), "\(bad)")
  }

  @Test("are no part of a folder that stands for a machine")
  func root() throws {
    let (code, output) = try Child.run([Executables.service, "serve", "--source", "perf", "--root", "/nowhere"])
    #expect(code == 64 && output.contains("--root cannot be used with --source perf"), "\(output)")
  }
}
