// The product's own rooms, doing what a floor does: counters → energy → watts → line → client. Without a source it reads the packages'
// registers, as fast as it can. With one it reads all counters of a package, with a pause before each sample, as event-floor does.
//   sampling ROOT SAMPLES [perf|msr]

internal import CWorkload
internal import Glibc
internal import PowerProtocol
internal import PowerSources
internal import RAPL

private let words = CommandLine.arguments.dropFirst()
guard (2...3).contains(words.count), let samples = Int(words[2]),
  ["perf", "msr", nil].contains(words.dropFirst(2).first)
else {
  print("Usage: sampling ROOT SAMPLES [perf|msr]")
  exit(64)
}

/// Opens the counters. Those of registers move meanwhile.
func open(_ root: String, source: String?, _ workload: UnsafeMutablePointer<workload>?) throws -> any EnergySource {
  let domains = source == nil ? [] : Set(PowerDomain.allCases)
  if source == "perf" { return try EnergySources.perf(domains: domains) }
  let mover = workload_start_moving(workload)
  defer { workload_rest(mover) }
  return try EnergySources.msr(root: root, domains: domains)
}

/// How many of so many samples reached the client.
func run(_ root: String, samples: Int, source: String?) throws -> Int {
  let workload = workload_open(root)
  let pauses = source != nil
  var counters = try open(root, source: source, workload)
  var meter = PowerMeter()
  var sent = 0
  for _ in 0...samples {
    workload_step(workload, 1)
    if pauses { workload_pause() }
    guard case .window(let window) = meter.measure(counters.read()), let line = PowerLine(window.sample, status: .ok)
    else {
      continue
    }
    let bytes = line.encoded
    if bytes.withUnsafeBytes({ workload_send(workload, $0.baseAddress, $0.count) }) == 0 { sent += 1 }
  }
  return sent
}

print(try run(words[1], samples: samples, source: words.dropFirst(2).first))
