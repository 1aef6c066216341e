// The product's own rooms with all counters of a package: the kernel's events, as event-floor reads them; or with "msr" registers.
//   event-sampling ROOT SAMPLES [msr]

internal import CWorkload
internal import Glibc
internal import PowerProtocol
internal import PowerSources
internal import RAPL

guard CommandLine.arguments.count >= 3, let samples = Int(CommandLine.arguments[2]) else {
  print("Usage: event-sampling ROOT SAMPLES [msr]")
  exit(64)
}

/// Opens the counters, which move meanwhile.
func open(_ root: String, _ workload: UnsafeMutablePointer<workload>?) throws -> any EnergySource {
  let domains = Set(PowerDomain.allCases)
  guard CommandLine.arguments.last == "msr" else { return try EnergySources.perf(domains: domains) }
  let mover = workload_start_moving(workload)
  defer { workload_rest(mover) }
  return try EnergySources.msr(root: root, domains: domains)
}

/// How many of so many samples reached the client.
func run(_ root: String, samples: Int) throws -> Int {
  let workload = workload_open(root)
  var source = try open(root, workload)
  var meter = PowerMeter()
  var sent = 0
  for _ in 0...samples {
    workload_step(workload, 1)
    workload_pause()
    guard case .window(let window) = meter.measure(source.read()), let line = PowerLine(window.sample, status: .ok)
    else {
      continue
    }
    let bytes = line.encoded
    if bytes.withUnsafeBytes({ workload_send(workload, $0.baseAddress, $0.count) }) == 0 { sent += 1 }
  }
  return sent
}

print(try run(CommandLine.arguments[1], samples: samples))
